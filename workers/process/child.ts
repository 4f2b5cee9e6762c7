import { createLogger } from '../../lib/log.ts';
import { type ChildProgram, runChild } from '../../lib/run-child.ts';
import { type ChildReady, type ChildSettings, childSettingsSchema } from './child-messages.ts';
import { WorkerRuntime } from './runtime.ts';

/** The entry of one worker process; `WorkerPool` starts it. */
runChild(childSettingsSchema, workerProgram);

function workerProgram(settings: ChildSettings): ChildProgram {
  const log = createLogger({ ...settings.log, service: 'worker', out: process.stdout });
  const worker = new WorkerRuntime(settings.worker, log);
  return {
    log,
    async start(): Promise<ChildReady> {
      await worker.start();
      const { id, functions, failed } = worker;
      if (functions.length === 0) throw new Error(nothingToServe(settings.worker.paths, failed));
      return { id, functions, failed };
    },
    end: () => worker.end(),
    endLimitMs: settings.worker.drainMs + 1000,
  };
}

function nothingToServe(paths: readonly string[], failed: WorkerRuntime['failed']): string {
  const reasons = failed.map(({ file, reason }) => `${file}: ${reason}`).join('; ');
  return `no function could be loaded from ${paths.join(', ')}${reasons === '' ? '' : ` (${reasons})`}`;
}
