import { OptionsError, optionsHelp } from '../lib/options.ts';
import type { CommandEntry } from './command.ts';
import { complain, type Program, run } from './run.ts';

/** Loads a command and prints its help, or runs it to its end. Wrong settings: one line, exit code 2. */
export async function runCommand(
  program: string,
  entry: CommandEntry,
  args: readonly string[],
): Promise<void> {
  const { name, usage, summary } = entry;
  const fullName = `${program} ${name}`;
  const command = await entry.load();
  if (asksForHelp(args)) {
    const head = `${fullName}: ${summary}\n\nusage: ${`${fullName} ${usage}`.trim()} [options]\n\n`;
    process.stdout.write(head + optionsHelp(command.settings));
    return;
  }
  let prepared: Program;
  try {
    prepared = await command.prepare(args, process.env);
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    complain(fullName, error);
    process.exitCode = 2;
    return;
  }
  await run(fullName, prepared);
}

function asksForHelp(args: readonly string[]): boolean {
  const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  return flags.includes('--help') || flags.includes('-h');
}
