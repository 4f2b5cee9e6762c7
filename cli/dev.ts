import { existsSync } from 'node:fs';
import { OptionsError, readOptions } from '../lib/options.ts';
import type { Command } from './command.ts';
import { devSettings } from './dev/settings.ts';
import { checkDeadlines } from './gateway.ts';

const DEFAULT_FOLDERS = ['functions', 'examples'];

/** `dev`: broker, workers and gateway in one go, for one machine. */
export const devCommand: Command = {
  settings: devSettings,
  async prepare(args, env) {
    const { values, positionals } = readOptions(devSettings, args, env);
    checkDeadlines(values);
    const paths = positionals.length > 0 ? positionals : defaultPaths();
    const missing = paths.find((path) => !existsSync(path));
    if (missing !== undefined) throw new OptionsError(`there is no file or folder ${missing}`);
    const { createLogger } = await import('../lib/log.ts');
    const { Dev } = await import('./dev/program.ts');
    const log = createLogger({ service: 'dev', level: values.logLevel, pretty: true, out: process.stdout });
    const dev = new Dev(values, paths, env, log);
    return {
      log,
      start: () => dev.start(),
      end: () => dev.end(),
      // Gateway and workers drain one after the other.
      endLimitMs: 2 * values.drainMs + 15_000,
    };
  },
};

function defaultPaths(): string[] {
  const found = DEFAULT_FOLDERS.find((folder) => existsSync(folder));
  if (found !== undefined) return [found];
  throw new OptionsError(
    `dev needs a file or folder with functions; there is no ${DEFAULT_FOLDERS.join(' and no ')} here`,
  );
}
