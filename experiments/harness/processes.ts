import { type ChildProcess, fork, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../cli/command.ts';
import { processorUs, residentBytes } from './processor.ts';
import { type Role, RunningProcess } from './running-process.ts';

/** What a process is started with. */
export interface StartOptions {
  readonly args?: readonly string[];
  /** Besides PATH, HOME and TMPDIR. */
  readonly env?: Environment;
  /** A file that takes what it prints: nobody reads it meanwhile, which would cost processor time. */
  readonly outputFile?: string | undefined;
}

/** What `now-or-never` is started with. */
export interface ProgramOptions extends StartOptions {
  /** Path of its built `cli/main.js`; this repository's by default. */
  readonly built?: string | undefined;
}

const PROGRAM = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const PROGRAM_ENTRY = new URL('./program-entry.mjs', import.meta.url);

/**
 * The processes of one run, and a temporary folder. All of it ends with `end`, and with this process.
 */
export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), 'now-or-never-'));
  readonly #env: Environment;
  readonly #running: RunningProcess[] = [];
  readonly #adopted: { role: Role; pid: () => number; end: () => Promise<void> }[] = [];
  readonly #onExit = () => {
    for (const running of this.#running) running.killTree('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };
  #ended: Promise<void> | undefined;

  /** PATH, HOME and TMPDIR of `env` are passed on: anything else could be a setting of what is started. */
  constructor({ PATH, HOME, TMPDIR }: Environment) {
    this.#env = { PATH, HOME, TMPDIR };
    process.once('exit', this.#onExit);
  }

  /** Starts any program. */
  spawn(role: Role, name: string, command: string, options: StartOptions = {}): RunningProcess {
    const { args = [], env, outputFile } = options;
    return this.#add(role, name, outputFile, (output) =>
      spawn(command, args, {
        env: { ...this.#env, ...env },
        stdio: ['ignore', output, output],
        detached: true,
      }),
    );
  }

  /** Starts a TypeScript module of the experiments, with a channel for messages. It must end with the channel. */
  fork(role: Role, name: string, module: URL, options: StartOptions = {}): RunningProcess {
    return this.#fork(role, name, module, ['--import', import.meta.resolve('tsx')], options);
  }

  /** Starts a module of plain JavaScript, as `fork` does but without what TypeScript needs: for what is measured. */
  module(role: Role, name: string, module: URL, options: StartOptions = {}): RunningProcess {
    return this.#fork(role, name, module, [], options);
  }

  /** Starts `now-or-never` as it was built, here or elsewhere. Throws one line when it was not. */
  program(
    role: Role,
    name: string,
    { built = PROGRAM, args = [], ...options }: ProgramOptions,
  ): RunningProcess {
    if (!existsSync(built)) throw new Error(`${built} does not exist: run "npm run build" first`);
    return this.#fork(role, name, PROGRAM_ENTRY, [], { ...options, args: [built, ...args] });
  }

  /** Something that has its own way to end, by its process id. */
  adopt(role: Role, pid: () => number, end: () => Promise<void>): void {
    this.#adopted.push({ role, pid, end });
  }

  /** Microseconds of processor time that processes of each role have used; of those that run. */
  processorUs(): Map<Role, number> {
    return this.#sumByRole(processorUs);
  }

  /** Bytes of memory that processes of each role hold now. */
  residentBytes(): Map<Role, number> {
    return this.#sumByRole(residentBytes);
  }

  #sumByRole(figure: (pid: number) => number): Map<Role, number> {
    const sums = new Map<Role, number>();
    const add = (role: Role, value: number) => sums.set(role, (sums.get(role) ?? 0) + value);
    for (const { role, pid } of this.#running) add(role, figure(pid));
    for (const { role, pid } of this.#adopted) add(role, figure(pid()));
    return sums;
  }

  /** Ends everything at once; resolves when nothing of it is left. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    await Promise.all(this.#running.map((running) => running.end()));
    await Promise.all(this.#adopted.map(({ end }) => end()));
    this.#onExit();
    process.off('exit', this.#onExit);
  }

  #fork(
    role: Role,
    name: string,
    module: URL,
    execArgv: string[],
    { args = [], env, outputFile }: StartOptions,
  ): RunningProcess {
    return this.#add(role, name, outputFile, (output) =>
      fork(module, args, {
        execArgv,
        env: { ...this.#env, ...env },
        stdio: ['ignore', output, output, 'ipc'],
        detached: true,
      }),
    );
  }

  #add(
    role: Role,
    name: string,
    outputFile: string | undefined,
    start: (output: number | 'pipe') => ChildProcess,
  ): RunningProcess {
    // Nobody would end what is started after the end.
    if (this.#ended !== undefined) throw new Error('the run has ended');
    // Appending, so that the file can be emptied while it is written to.
    const file = outputFile === undefined ? undefined : openSync(outputFile, 'a');
    try {
      const running = new RunningProcess(role, name, start(file ?? 'pipe'), outputFile);
      this.#running.push(running);
      return running;
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }
}
