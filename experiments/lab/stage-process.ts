import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Exit } from '../../lib/nats-server.ts';
import { until } from './until.ts';

/** A line of a program's log, as far as it is JSON. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What process to start. */
export interface StageProcessOptions {
  /** For people: `gateway 1`. */
  readonly name: string;
  /** Path of the module that it runs. */
  readonly module: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const MAX_LINES = 50_000;
const LAST_WORDS = 5;

/**
 * A process of a stage and all that it starts: they are a process group of their own, so that a Ctrl-C at the lab's
 * terminal is the lab's to judge, and a signal can be meant for all of them. Its program must end when its channel to
 * this process closes.
 */
export class StageProcess {
  readonly name: string;
  /** Resolves when it has ended and its output was read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  #exit: Exit | undefined;
  #isReady = false;

  constructor({ name, module, args = [], env }: StageProcessOptions) {
    this.name = name;
    // Forks inherit the flags of this process, among them what makes it run its source.
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const;
    this.#child = fork(module, [...args], { env, stdio: [...stdio], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (this.#lines.length < MAX_LINES) this.#lines.push(line);
      });
    }
    this.#child.on('message', () => {
      this.#isReady = true;
    });
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.#exit = exit;
        resolve(exit);
      };
      this.#child.once('error', (error) => {
        this.#lines.push(error.message);
        if (this.#child.pid === undefined) end({ code: null, signal: null });
      });
      this.#child.once('close', (code, signal) => end({ code, signal }));
    });
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** How it ended; undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Everything it has printed so far, standard error included. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The lines of its log so far; what is no JSON is left out. */
  log(): LogLine[] {
    return this.#lines.filter((line) => line.startsWith('{')).map((line): LogLine => JSON.parse(line));
  }

  /** Whether it has sent a message: plain workers do when they serve. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** Resolves to what `read` finds; throws with its last words when it ends before, or takes too long. */
  async until<T>(
    what: string,
    limitMs: number,
    read: () => T | undefined | Promise<T | undefined>,
  ): Promise<T> {
    const found = await until(`${this.name} ${what}`, limitMs, async () => {
      const value = await read();
      if (value === undefined && this.#exit !== undefined) {
        throw new Error(`${this.name} ended: ${this.#lines.slice(-LAST_WORDS).join(' ')}`);
      }
      return value;
    });
    return found;
  }

  /** Sends a signal to this process alone; nothing when it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** Sends a signal to this process and all that it started. */
  killTree(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // All of them have ended.
    }
  }

  /** Ends it and all that it started, at once. */
  async end(): Promise<void> {
    // Also when it has ended itself: what it started may live on.
    this.killTree('SIGKILL');
    await this.exited;
  }
}
