// Stands in for workers/process/child.ts: the first path of its settings says what it does.
import { existsSync } from 'node:fs';

let behaviour = '';
let file = '';
process.on('disconnect', () => process.exit(0));
process.on('SIGINT', () => {});
process.on('message', (message) => {
  if (message.type === 'drain') return drain();
  [behaviour, file = ''] = message.settings.worker.paths;
  if (behaviour === 'nothing') {
    process.send({ type: 'failed', reason: 'no function could be loaded from nowhere' }, () =>
      process.exit(1),
    );
  } else if (behaviour === 'crash-at-start' || (behaviour === 'crash-when-file' && existsSync(file))) {
    process.stderr.write('Error: it crashed\n    at somewhere\n', () => process.exit(3));
  } else {
    const isBroken = behaviour === 'break-when-file' && existsSync(file);
    const failed = isBroken ? [{ file: 'broken.mjs', reason: 'SyntaxError: unexpected' }] : [];
    const functions = [{ name: `process-${process.pid}`, slots: 1 }];
    process.send({ type: 'ready', ready: { id: `w-${process.pid}`, functions, failed } }, () => {
      // A handler that never gives the loop back.
      if (behaviour === 'blocked') for (;;);
    });
  }
});
process.send({ type: 'waiting' });

function drain() {
  if (behaviour === 'stuck') for (;;);
  process.exit(0);
}
