import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from './command-line.ts';
import { commit, describeMachine, type Machine } from './machine.ts';
import { Processes } from './processes.ts';

/** Where and of what figures were taken. */
export interface Origin {
  readonly command: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: Machine;
  /** Programs that were measured. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Processes of the runs under way; for an interrupt. */
const active = new Set<Processes>();

/** Runs a task with processes of its own, all of which have ended when it settles. */
export async function withProcesses<T>(task: (processes: Processes) => Promise<T>): Promise<T> {
  const processes = new Processes(process.env);
  active.add(processes);
  try {
    return await task(processes);
  } finally {
    await processes.end();
    active.delete(processes);
  }
}

/** The main program of a benchmark: ends with what `main` resolves to, and with nothing left running. */
export function runBenchProgram(main: (args: readonly string[]) => Promise<number>): void {
  // Each run, and each broker in it, waits for the end of this process.
  process.setMaxListeners(100);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void endAll().finally(() => process.exit(130)));
  }
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error: unknown) => {
      if (error instanceof UsageError) console.error(error.message);
      else console.error(error);
      void endAll().finally(() => process.exit(error instanceof UsageError ? 2 : 1));
    },
  );
}

/** Where the figures of this process come from; versions are added as they become known. */
export function originOf(script: string, args: readonly string[]): Omit<Origin, 'versions'> {
  return {
    command: [`npm run ${script} --`, ...args].join(' '),
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    machine: describeMachine(),
  };
}

/** Writes files into a folder; what is undefined is left out. */
export function writeFiles(folder: string, files: Readonly<Record<string, string | undefined>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text !== undefined) writeFileSync(join(folder, name), `${text.trimEnd()}\n`);
  }
}

async function endAll(): Promise<void> {
  await Promise.all([...active].map((processes) => processes.end()));
}
