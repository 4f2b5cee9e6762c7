import { createLogger } from '../../lib/log.ts';
import { oneLine } from '../../protocol/reply.ts';
import { type ChildSettings, type FromChild, toChildSchema } from './child-messages.ts';
import { WorkerRuntime } from './runtime.ts';

/**
 * The entry of one worker process; `WorkerPool` starts it and sends its settings.
 *
 *   waiting   for the settings
 *   serving   until SIGTERM, `drain`, or the end of the parent
 *   draining  answers what it has, then exits 0; a second SIGTERM ends it at once
 *
 * SIGINT is the parent's business: a Ctrl-C reaches every process of the terminal.
 */
let worker: WorkerRuntime | undefined;
let drainMs = 0;
let isDraining = false;

// The parent may be gone before its end of these pipes is missed.
process.stderr.on('error', () => {});

process.on('message', (received) => {
  const message = toChildSchema.parse(received);
  if (message.type === 'drain') void drain();
  else if (worker === undefined) void serve(message.settings);
});
process.on('disconnect', () => void drain());
process.on('SIGTERM', () => {
  if (isDraining) process.exit(143);
  void drain();
});
process.on('SIGINT', () => {
  if (!process.connected) void drain();
});
if (process.send === undefined) {
  process.stderr.write('this program is started by the worker pool only\n');
  process.exit(2);
}

async function serve(settings: ChildSettings): Promise<void> {
  const log = createLogger({ ...settings.log, service: 'worker', out: process.stdout });
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught, the process ends');
    fail(error);
  });
  worker = new WorkerRuntime(settings.worker, log);
  drainMs = settings.worker.drainMs;
  try {
    await worker.start();
  } catch (error) {
    fail(error);
    return;
  }
  const { id, functions, failed } = worker;
  if (functions.length > 0) report({ type: 'ready', id, functions, failed });
  else fail(new Error(nothingToServe(settings.worker.paths, failed)));
}

function nothingToServe(paths: readonly string[], failed: WorkerRuntime['failed']): string {
  const reasons = failed.map(({ file, reason }) => `${file}: ${reason}`).join('; ');
  return `no function could be loaded from ${paths.join(', ')}${reasons === '' ? '' : ` (${reasons})`}`;
}

async function drain(): Promise<void> {
  if (isDraining) return;
  isDraining = true;
  // Nobody else would end it when the parent is gone and a handler is stuck.
  setTimeout(() => process.exit(1), drainMs + 1000);
  await worker?.end();
  process.exit(0);
}

/** Reports to the parent why, then ends; a parent that does not take it changes nothing. */
function fail(error: unknown): void {
  const reason = oneLine(error instanceof Error ? error.message : String(error));
  setTimeout(() => process.exit(1), 500);
  report({ type: 'failed', reason }, () => process.exit(1));
}

function report(message: FromChild, done: () => void = () => {}): void {
  if (process.connected) process.send?.(message, done);
  else done();
}
