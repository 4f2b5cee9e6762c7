import { type ChildProcess, type ForkOptions, fork, type SpawnOptions, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect as openSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { processorUs, signalTree } from './process-tree.ts';

/** What a process does in a run; its processor time is counted under this name. */
export type Role = 'gateway' | 'broker' | 'worker' | 'generator';

const STOP_LIMIT_MS = 5000;
const LAST_WORDS = 4000;

/**
 * The processes and the temporary folder of one run. `end` ends them all, the youngest first, and removes the
 * folder; when this process exits before that, they are killed.
 */
export class Children {
  readonly folder = mkdtempSync(join(tmpdir(), 'bench-dispatch-'));
  readonly #children: { child: ChildProcess; role: Role; words: () => string }[] = [];
  readonly #stops: (() => Promise<void>)[] = [];
  readonly #outsiders: { role: Role; pid: number }[] = [];
  readonly #onExit = () => {
    for (const { child } of this.#children) forceEnd(child);
    rmSync(this.folder, { recursive: true, force: true });
  };

  constructor() {
    process.once('exit', this.#onExit);
  }

  /** Starts a program; what it prints is kept for when it fails. */
  spawn(role: Role, command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return this.#add(role, spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  /** Starts a TypeScript module of the bench with a channel for messages. */
  fork(role: Role, module: URL, options: ForkOptions = {}): ChildProcess {
    const execArgv = ['--import', import.meta.resolve('tsx')];
    return this.#add(role, fork(module, { ...options, execArgv, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }));
  }

  /** Something that has its own way to stop; `pid` for its processor time. */
  adopt(role: Role, pid: number, stop: () => Promise<void>): void {
    this.#outsiders.push({ role, pid });
    this.#stops.push(stop);
  }

  /** Microseconds of processor time that living processes of each role have used. */
  processorUs(): Map<Role, number> {
    const used = new Map<Role, number>();
    const all = this.#children.map(({ child, role }) => ({ role, pid: child.pid }));
    for (const { role, pid } of [...all, ...this.#outsiders]) {
      if (pid !== undefined) used.set(role, (used.get(role) ?? 0) + processorUs(pid));
    }
    return used;
  }

  async end(): Promise<void> {
    for (const { child } of this.#children.toReversed()) await endChild(child);
    for (const stop of this.#stops.splice(0).toReversed()) await stop();
    this.#onExit();
    process.off('exit', this.#onExit);
  }

  /** The next message of a forked child. Rejects with the child's last words when it ends first, or is late. */
  async message(child: ChildProcess, limitMs: number): Promise<unknown> {
    const words = this.#children.find((known) => known.child === child)?.words ?? (() => '');
    return new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`${child.spawnargs.at(-1)} ${why}: ${words()}`));
      const timer = setTimeout(() => fail(`sent nothing for ${limitMs} ms`), limitMs);
      child.once('message', (message) => {
        clearTimeout(timer);
        child.off('exit', onExit);
        resolve(message);
      });
      const onExit = (code: number | null) => {
        clearTimeout(timer);
        fail(`ended with ${code}`);
      };
      child.once('exit', onExit);
    });
  }

  /** Throws with its last words when a child has ended. */
  assertRunning(child: ChildProcess): void {
    if (isRunning(child)) return;
    const words = this.#children.find((known) => known.child === child)?.words() ?? '';
    throw new Error(
      `${child.spawnargs.join(' ')} ended with ${child.exitCode ?? child.signalCode}: ${words}`,
    );
  }

  #add(role: Role, child: ChildProcess): ChildProcess {
    let words = '';
    const collect = (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-LAST_WORDS);
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', (error) => collect(Buffer.from(error.message)));
    this.#children.push({ child, role, words: () => words });
    return child;
  }
}

/** Repeats a check until it holds; throws `what` when it does not within `limitMs`. */
export async function until(
  what: string,
  limitMs: number,
  check: () => boolean | Promise<boolean>,
): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`${what}: not within ${limitMs} ms`);
    await pause(50);
  }
}

/** Whether something takes connections at a port of loopback. */
export function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function endChild(child: ChildProcess): Promise<void> {
  if (!isRunning(child) || child.pid === undefined) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  // A frozen process takes the signal when it goes on.
  signalTree(child.pid, 'SIGCONT');
  const force = setTimeout(() => forceEnd(child), STOP_LIMIT_MS);
  await ended;
  clearTimeout(force);
}

function forceEnd(child: ChildProcess): void {
  if (isRunning(child) && child.pid !== undefined) signalTree(child.pid, 'SIGKILL');
}
