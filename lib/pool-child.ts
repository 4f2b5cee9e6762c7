import { type ChildProcess, fork } from 'node:child_process';
import type { z } from 'zod';
import { fromChildSchema, type ToChild } from './child-messages.ts';
import type { Clock } from './clock.ts';

/** How a process is started, and what it is told. */
export interface PoolChildOptions<Ready> {
  /** What it is called in messages: `a worker process`. */
  readonly what: string;
  /** Starts it with `CHILD_STDIO`. */
  spawn(): ChildProcess;
  /** What it gets to start with. */
  readonly settings: unknown;
  /** What it reports when it serves. */
  readonly readySchema: z.ZodType<Ready>;
  /** How long it may take to end, before it is killed. */
  readonly endLimitMs: number;
  readonly clock: Clock;
}

/** How a process ended. */
export interface ChildExit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** One line for people: what it reported, else its last line on standard error, with code or signal. */
  readonly reason: string;
  /** It was told to end. */
  readonly isExpected: boolean;
  readonly livedMs: number;
  /** What it left behind, if it ended in order. */
  readonly last: unknown;
}

/** Standard output is the parent's; standard error is read, since the end of it says why a process died. */
export const CHILD_STDIO: ('ignore' | 'inherit' | 'pipe' | 'ipc')[] = ['ignore', 'inherit', 'pipe', 'ipc'];

const STDERR_LIMIT_MS = 200;
const MAX_REASON = 500;
const MAX_SAID = 8000;
/** Characters that our own standard error may hold back. */
const MAX_WAITING = 1_048_576;

/** Runs a program with the flags of this process, among them what makes it run its source. */
export function forkChild(entry: string): ChildProcess {
  return fork(entry, { stdio: CHILD_STDIO });
}

/**
 * One process of a pool, seen from its parent; `runChild` is the other side.
 *
 *   starting → ready → (drain) → ended; it may end from any state. It gets its settings when it says that it can hear:
 *   what is sent to a process of the cluster module before is lost.
 */
export class PoolChild<Ready> {
  /** Resolves when it serves, rejects with the reason when it ends before. */
  readonly ready: Promise<Ready>;
  /** Resolves when the process has ended and its streams are closed. */
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;
  readonly #endLimitMs: number;
  readonly #questions = new Map<number, (answer: unknown) => void>();
  #asked = 0;
  #drain: ToChild | undefined;
  #isExpected = false;
  #reported: string | undefined;
  #last: unknown;
  #said = '';

  constructor(options: PoolChildOptions<Ready>) {
    const { clock, settings, what } = options;
    this.#endLimitMs = options.endLimitMs;
    const startedAt = clock.now();
    this.#child = options.spawn();
    // A process that has just died takes no message; its exit tells.
    this.#child.on('error', () => {});
    this.#relayErrors();
    this.exited = this.#ended().then(([code, signal]) => {
      for (const resolve of this.#questions.values()) resolve(undefined);
      const reason = this.#reason(code, signal);
      const livedMs = clock.now() - startedAt;
      return { pid: this.pid, code, signal, reason, isExpected: this.#isExpected, livedMs, last: this.#last };
    });
    this.ready = new Promise((resolve, reject) => {
      this.#child.on('message', (received) => {
        const message = fromChildSchema.safeParse(received).data;
        if (message?.type === 'waiting') this.#send(this.#drain ?? { type: 'start', settings });
        if (message?.type === 'ready') this.#onReady(options, message.ready, resolve);
        if (message?.type === 'failed') this.#reported = message.reason;
        if (message?.type === 'last') this.#last = message.last;
        if (message?.type === 'answer') this.#questions.get(message.id)?.(message.answer);
      });
      void this.exited.then(({ reason }) => reject(new Error(this.#reported ?? `${what} ${reason}`)));
    });
    // Who does not wait for it need not hear of it.
    this.ready.catch(() => {});
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it answers to a question; undefined when it does not within `limitMs`, or has ended. */
  async ask(question: string, limitMs: number): Promise<unknown> {
    const id = ++this.#asked;
    const answer = new Promise((resolve) => {
      this.#questions.set(id, resolve);
      if (!this.#send({ type: 'ask', id, question })) resolve(undefined);
    });
    const limit = setTimeout(() => this.#questions.get(id)?.(undefined), limitMs);
    try {
      return await answer;
    } finally {
      clearTimeout(limit);
      this.#questions.delete(id);
    }
  }

  /** Lets it finish what it has; kills it when that takes longer than allowed. Resolves when it has ended. */
  async drain({ isReplaced = false }: { isReplaced?: boolean } = {}): Promise<void> {
    this.#isExpected = true;
    this.#drain = { type: 'drain', isReplaced };
    this.#send(this.#drain);
    const force = setTimeout(() => this.kill(), this.#endLimitMs);
    await this.exited;
    clearTimeout(force);
  }

  /** Ends it at once. */
  kill(): void {
    this.#isExpected = true;
    this.#child.kill('SIGKILL');
  }

  /** A process may run a newer version than its parent, and is no use to it when they do not agree. */
  #onReady(
    { readySchema }: PoolChildOptions<Ready>,
    received: unknown,
    resolve: (ready: Ready) => void,
  ): void {
    const { data, error } = readySchema.safeParse(received);
    if (error === undefined) return resolve(data);
    this.#reported = 'speaks another language than its parent: restart the parent too';
    this.kill();
  }

  #send(message: ToChild): boolean {
    if (!this.#child.connected) return false;
    this.#child.send(message, () => {});
    return true;
  }

  /** What it started itself may hold its standard error open, so the end of that is waited for briefly only. */
  #ended(): Promise<[code: number | null, signal: NodeJS.Signals | null]> {
    return new Promise((resolve) => {
      this.#child.once('error', () => {
        if (this.pid === undefined) resolve([null, null]);
      });
      this.#child.once('exit', (code, signal) => {
        const done = () => {
          clearTimeout(limit);
          this.#child.stderr?.destroy();
          resolve([code, signal]);
        };
        const limit = setTimeout(done, STDERR_LIMIT_MS);
        this.#child.once('close', done);
      });
    });
  }

  /** Passes its standard error on, and keeps the end: what Node says before it dies, say of memory. */
  #relayErrors(): void {
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-MAX_SAID);
      // A reader that does not read must not fill our memory.
      if (process.stderr.writableLength < MAX_WAITING) process.stderr.write(text);
    });
  }

  #reason(code: number | null, signal: NodeJS.Signals | null): string {
    if (this.pid === undefined) return 'could not be started';
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const said = this.#reported ?? lastWords(this.#said);
    return said === '' ? how : `${how}: ${said}`;
  }
}

/** The last line that tells of an error (a native stack follows it), else the last one. */
function lastWords(said: string): string {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const line = lines.findLast((text) => /error/i.test(text)) ?? lines.at(-1) ?? '';
  return line.trim().slice(0, MAX_REASON);
}
