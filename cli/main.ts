#!/usr/bin/env node
import { OptionsError, optionsHelp } from '../lib/options.ts';
import type { Command } from './command.ts';
import { devCommand } from './dev.ts';
import { gatewayCommand } from './gateway.ts';
import { loadCommand } from './load.ts';
import { complain, run } from './run.ts';
import { topCommand } from './top.ts';
import { version } from './version.ts';
import { workerCommand } from './worker.ts';

const PROGRAM = 'now-or-never';
const COMMANDS: readonly Command[] = [devCommand, gatewayCommand, workerCommand, topCommand, loadCommand];

// A reader that leaves (`... | head -1`) must not end the program with a stack.
process.stderr.on('error', () => {});
process.stdout.on('error', () => {});
await main(process.argv.slice(2));

async function main([name = '--help', ...args]: readonly string[]): Promise<void> {
  if (name === '--help' || name === '-h' || name === 'help') return print(overview());
  if (name === '--version' || name === '-v') return print(`${version()}\n`);
  const command = COMMANDS.find((known) => known.name === name);
  if (command === undefined) {
    const known = COMMANDS.map((other) => other.name).join(', ');
    return refuse(
      PROGRAM,
      new OptionsError(`unknown command ${JSON.stringify(name)}, must be one of ${known}`),
    );
  }
  const flags = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
  if (flags.includes('--help') || flags.includes('-h')) return print(helpOf(command));
  const fullName = `${PROGRAM} ${name}`;
  let program: ReturnType<Command['prepare']>;
  try {
    program = command.prepare(args, process.env);
  } catch (error) {
    if (error instanceof OptionsError) return refuse(fullName, error);
    throw error;
  }
  await run(fullName, program);
}

/** Wrong settings: one line, exit code 2. */
function refuse(who: string, error: OptionsError): void {
  complain(who, error);
  process.exitCode = 2;
}

function print(text: string): void {
  process.stdout.write(text);
}

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name, usage }) => `${name} ${usage}`.length));
  const commands = COMMANDS.map(
    ({ name, usage, summary }) => `  ${`${name} ${usage}`.padEnd(width)}  ${summary}\n`,
  );
  return [
    `usage: ${PROGRAM} <command> [options]\n\n`,
    ...commands,
    `\n${PROGRAM} <command> --help lists the settings of a command; --version tells the version.\n`,
    'Every setting is a flag and an environment variable; the flag wins.\n',
  ].join('');
}

function helpOf({ name, usage, summary, settings }: Command): string {
  return `${PROGRAM} ${name}: ${summary}\n\nusage: ${`${PROGRAM} ${name} ${usage}`.trim()} [options]\n\n${optionsHelp(settings)}`;
}
