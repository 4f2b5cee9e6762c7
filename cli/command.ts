import type { Declaration } from '../lib/options.ts';
import type { Program } from './run.ts';

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** One subcommand. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows the name: `<file or folder>...`. */
  readonly usage: string;
  readonly settings: Declaration;
  /** Reads the settings; throws an OptionsError for those that are not allowed. Starts nothing. */
  prepare(args: readonly string[], env: Environment): Program;
}
