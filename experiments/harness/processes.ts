import { fork, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from '../../cli/command.ts';
import { type Role, RunningProcess } from './running-process.ts';

/** What a process is started with. */
export interface StartOptions {
  readonly args?: readonly string[];
  /** Besides PATH, HOME and TMPDIR. */
  readonly env?: Environment;
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
  readonly #adopted: { role: Role; processorUs: () => number; end: () => Promise<void> }[] = [];
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
    this.#assertOpen();
    const { args = [], env } = options;
    const child = spawn(command, args, {
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return this.#add(new RunningProcess(role, name, child));
  }

  /** Starts a TypeScript module of the experiments, with a channel for messages. It must end with the channel. */
  fork(role: Role, name: string, module: URL, options: StartOptions = {}): RunningProcess {
    return this.#fork(role, name, module, ['--import', import.meta.resolve('tsx')], options);
  }

  /** Starts `now-or-never` as it was built. Throws one line when it was not. */
  program(role: Role, name: string, { args = [], env = {} }: StartOptions): RunningProcess {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} does not exist: run "npm run build" first`);
    return this.#fork(role, name, PROGRAM_ENTRY, [], { args: [PROGRAM, ...args], env });
  }

  /** Something that has its own way to end; `processorUs` as of a `RunningProcess`. */
  adopt(role: Role, processorUs: () => number, end: () => Promise<void>): void {
    this.#adopted.push({ role, processorUs, end });
  }

  /** Microseconds of processor time that processes of each role have used; of those that run. */
  processorUs(): Map<Role, number> {
    const used = new Map<Role, number>();
    const add = (role: Role, us: number) => used.set(role, (used.get(role) ?? 0) + us);
    for (const { role, processorUs } of this.#running) add(role, processorUs);
    for (const { role, processorUs } of this.#adopted) add(role, processorUs());
    return used;
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
    { args = [], env }: StartOptions,
  ): RunningProcess {
    this.#assertOpen();
    const child = fork(module, args, {
      execArgv,
      env: { ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: true,
    });
    return this.#add(new RunningProcess(role, name, child));
  }

  #add(running: RunningProcess): RunningProcess {
    this.#running.push(running);
    return running;
  }

  /** Nobody would end what is started after the end. */
  #assertOpen(): void {
    if (this.#ended !== undefined) throw new Error('the run has ended');
  }
}
