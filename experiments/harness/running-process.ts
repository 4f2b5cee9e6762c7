import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Exit } from '../../lib/nats-server.ts';
import { until } from './until.ts';

/** What a process does in a run; its processor time is counted under this name. */
export type Role = 'gateway' | 'broker' | 'worker' | 'generator' | 'observer';

/** A line of a program's log, as far as it is JSON. */
export type LogLine = Readonly<Record<string, unknown>>;

const MAX_LINES = 50_000;
const LAST_WORDS = 5;

/**
 * A process that an experiment has started, and all that it starts itself: they are a process group of their own, so
 * that a Ctrl-C at the terminal is the experiment's to handle, and a signal can be meant for all of them.
 */
export class RunningProcess {
  readonly role: Role;
  /** For people: `gateway 1`. */
  readonly name: string;
  /** Resolves when it has ended and its output was read. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #outputFile: string | undefined;
  readonly #lines: string[] = [];
  readonly #messages: unknown[] = [];
  #exit: Exit | undefined;

  /** `child` is the leader of its process group; what it prints goes to a file, or is read when there is none. */
  constructor(role: Role, name: string, child: ChildProcess, outputFile?: string) {
    this.role = role;
    this.name = name;
    this.#child = child;
    this.#outputFile = outputFile;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (this.#lines.length < MAX_LINES) this.#lines.push(line);
      });
    }
    child.on('message', (message) => this.#messages.push(message));
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.#exit = exit;
        resolve(exit);
      };
      child.on('error', (error) => {
        this.#lines.push(error.message);
        if (child.pid === undefined) end({ code: null, signal: null });
      });
      child.once('close', (code, signal) => end({ code, signal }));
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

  /** Resolves to what `read` finds; throws with its last words when it ends before, or takes too long. */
  until<T>(what: string, limitMs: number, read: () => T | undefined | Promise<T | undefined>): Promise<T> {
    return until(`${this.name} ${what}`, limitMs, async () => {
      const value = await read();
      if (value === undefined && this.#exit !== undefined) {
        throw new Error(`${this.name} ended: ${this.#lastWords()}`);
      }
      return value;
    });
  }

  #lastWords(): string {
    const written = this.#outputFile === undefined ? '' : readFileSync(this.#outputFile, 'utf8').trimEnd();
    return [...written.split('\n'), ...this.#lines].filter(Boolean).slice(-LAST_WORDS).join(' ');
  }

  /** Sends a message to a module that was forked. */
  send(message: object): void {
    this.#child.send(message);
  }

  /** Takes the oldest message that it has sent, or waits for one. */
  message(limitMs: number): Promise<unknown> {
    return this.until('sends a message', limitMs, () => this.#messages.shift());
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
