import { readOptions } from '../lib/options.ts';
import type { Command } from './command.ts';
import { loadSettings } from './load/settings.ts';

/** `load`: calls gateways at a given rate and reports what came back. Exit code 1 when nothing answered at all. */
export const loadCommand: Command = {
  settings: loadSettings,
  async prepare(args, env) {
    const { values, positionals } = readOptions(loadSettings, args, env);
    const { loadProgram } = await import('./load/program.ts');
    return loadProgram(values, positionals);
  },
};
