#!/usr/bin/env node
import { COMMANDS } from './commands.ts';
import { complain } from './run.ts';
import { version } from './version.ts';

const PROGRAM = 'now-or-never';

// A reader that leaves (`... | head -1`) must not end the program with a stack.
process.stderr.on('error', () => {});
process.stdout.on('error', () => {});
await main(process.argv.slice(2));

async function main([name = '--help', ...args]: readonly string[]): Promise<void> {
  if (name === '--help' || name === '-h' || name === 'help') return print(overview());
  if (name === '--version' || name === '-v') return print(`${version()}\n`);
  const entry = COMMANDS.find((known) => known.name === name);
  if (entry === undefined) {
    const known = COMMANDS.map((other) => other.name).join(', ');
    complain(PROGRAM, `unknown command ${JSON.stringify(name)}, must be one of ${known}`);
    process.exitCode = 2;
    return;
  }
  const { runCommand } = await import('./run-command.ts');
  await runCommand(PROGRAM, entry, args);
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
    `\n${PROGRAM} <command> --help lists the settings of a command; --version prints the version.\n`,
    'Every setting is a flag and an environment variable; the flag wins.\n',
  ].join('');
}
