import { type ChildProcess, fork } from 'node:child_process';
import type { Clock } from '../../lib/clock.ts';
import { type ChildReady, type ChildSettings, fromChildSchema, type ToChild } from './child-messages.ts';

/** How a worker process ended. */
export interface ChildExit {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** One line for people: what it reported, else its last line on standard error, with code or signal. */
  readonly reason: string;
  /** It was told to end. */
  readonly isExpected: boolean;
  readonly livedMs: number;
}

/** How long a drained process may take beyond its own limit before it is killed. */
const KILL_AFTER_DRAIN_MS = 1000;
const STDERR_LIMIT_MS = 200;
const MAX_REASON = 500;
const MAX_SAID = 8000;
/** Characters that our own standard error may hold back. */
const MAX_WAITING = 1_048_576;

/**
 * One worker process, seen from its parent.
 *
 *   starting → ready → (drain) → ended; it may end from any state.
 */
export class WorkerChild {
  /** Resolves when it serves, rejects with the reason when it ends before. */
  readonly ready: Promise<ChildReady>;
  /** Resolves when the process has ended and its streams are closed. */
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;
  readonly #drainMs: number;
  #isExpected = false;
  #reported: string | undefined;
  #said = '';

  constructor(entry: string, settings: ChildSettings, clock: Clock) {
    this.#drainMs = settings.worker.drainMs;
    const startedAt = clock.now();
    // Forks inherit the flags of this process, among them what makes it run its source.
    this.#child = fork(entry, { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    // A process that has just died takes no message; its exit tells.
    this.#child.on('error', () => {});
    this.#relayErrors();
    this.exited = this.#ended().then(([code, signal]) => {
      const reason = this.#reason(code, signal);
      const livedMs = clock.now() - startedAt;
      return { pid: this.pid, code, signal, reason, isExpected: this.#isExpected, livedMs };
    });
    this.ready = new Promise((resolve, reject) => {
      this.#child.on('message', (received) => {
        const message = fromChildSchema.safeParse(received).data;
        if (message?.type === 'ready') resolve(message);
        if (message?.type === 'failed') this.#reported = message.reason;
      });
      void this.exited.then(({ reason }) =>
        reject(new Error(this.#reported ?? `a worker process ${reason}`)),
      );
    });
    // Who does not wait for it need not hear of it.
    this.ready.catch(() => {});
    this.#send({ type: 'start', settings });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Lets it finish what it has; kills it when that takes longer than allowed. Resolves when it has ended. */
  async drain(): Promise<void> {
    this.#isExpected = true;
    this.#send({ type: 'drain' });
    const force = setTimeout(() => this.kill(), this.#drainMs + KILL_AFTER_DRAIN_MS);
    await this.exited;
    clearTimeout(force);
  }

  /** Ends it at once. */
  kill(): void {
    this.#isExpected = true;
    this.#child.kill('SIGKILL');
  }

  #send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, () => {});
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
