import type { Declaration } from '../lib/options.ts';
import type { Program } from './run.ts';

/** The environment, as `process.env` has it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the list of commands says of one. */
interface CommandLine {
  readonly name: string;
  /** What follows the name: `<file or folder>...`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly summary: string;
}

/** A command in the list of commands. */
export interface CommandEntry extends CommandLine {
  /** Loads its module. */
  load(): Promise<Command>;
}

/**
 * One subcommand. Its module loads what its settings need and no more; `prepare` imports the rest, so that help is
 * quick. `commands.ts` has its name, usage and summary.
 */
export interface Command extends Partial<CommandLine> {
  readonly settings: Declaration;
  /** Reads the settings; throws an OptionsError for those that are not allowed. Starts nothing. */
  prepare(args: readonly string[], env: Environment): Program | Promise<Program>;
}
