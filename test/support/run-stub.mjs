// A program for `run`: says what happens to it. Its argument is what it does.
import { setTimeout as wait } from 'node:timers/promises';
import { run } from '../../cli/run.ts';
import { createLogger } from '../../lib/log.ts';

const behaviour = process.argv[2];
const say = (word) => process.send(word);
const never = () => new Promise(() => {});
const endsItself = behaviour === 'done' || behaviour === 'done-at-end';
let done = () => {};
const ended = new Promise((resolve) => {
  done = () => resolve(3);
});

process.on('exit', (code) => say(`exit ${code}`));
await run('stub', {
  log: createLogger({ service: 'stub', level: 'silent', out: process.stdout }),
  async start() {
    say('start');
    if (behaviour === 'slow-start') await never();
    if (behaviour === 'failed-start') throw new Error('port 1 is taken\n  at somewhere');
    say('started');
    if (behaviour === 'done') setTimeout(done, 1);
    if (behaviour === 'uncaught') setTimeout(() => JSON.parse('{'), 1);
    if (behaviour === 'rejection') void wait(1).then(() => JSON.parse('{'));
  },
  async end() {
    say('end');
    if (behaviour === 'slow-end' || behaviour === 'stuck-end') await never();
    if (behaviour === 'failed-end') throw new Error('no');
    say('ended');
    done();
  },
  endLimitMs: behaviour === 'stuck-end' ? 100 : 10_000,
  ...(endsItself ? { ended } : {}),
  ...(behaviour === 'reloads' ? { reload: async () => say('reload') } : {}),
});
