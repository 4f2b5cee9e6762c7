import { OptionsError, readOptions } from '../lib/options.ts';
import type { Command } from './command.ts';
import { topSettings } from './top/settings.ts';

/** `top`: what all gateways and workers on one NATS do now. */
export const topCommand: Command = {
  settings: topSettings,
  async prepare(args, env) {
    const { values, positionals } = readOptions(topSettings, args, env);
    if (positionals.length > 0) throw new OptionsError(`top takes no arguments, got ${positionals.length}`);
    const { topProgram } = await import('./top/program.ts');
    return topProgram(values);
  },
};
