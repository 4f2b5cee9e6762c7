import { OptionsError, readOptions } from '../lib/options.ts';
import type { Command } from './command.ts';
import { commonSettings, workerSettings } from './settings.ts';

const settings = { ...workerSettings, ...commonSettings };

/** `worker`: serves functions from files. */
export const workerCommand: Command = {
  settings,
  async prepare(args, env) {
    const { values, positionals: paths } = readOptions(settings, args, env);
    if (paths.length === 0) throw new OptionsError('worker needs at least one file or folder with functions');
    const { createLogger } = await import('../lib/log.ts');
    const { WorkerPool } = await import('../workers/process/pool.ts');
    const { processes, logLevel, ...worker } = values;
    const log = createLogger({ service: 'workers', level: logLevel, out: process.stdout });
    const pool = new WorkerPool({
      settings: { ...worker, paths },
      processes,
      log,
      childLog: { level: logLevel, pretty: false },
    });
    return {
      log,
      async start() {
        await pool.start();
        log.info({ functions: pool.functions, processes }, 'ready');
      },
      end: () => pool.drain(),
      endLimitMs: values.drainMs + 5000,
    };
  },
};
