import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { type Clock, systemClock } from '../../lib/clock.ts';
import type { Component } from '../../lib/lifecycle.ts';
import type { ChildReady, ChildSettings, RuntimeSettings } from './child-messages.ts';
import { type ChildExit, WorkerChild } from './child-process.ts';

/** What a pool needs. */
export interface WorkerPoolOptions {
  readonly settings: RuntimeSettings;
  readonly processes: number;
  /** The pool's own log. */
  readonly log: Logger;
  /** How the processes log, to this process's standard output. */
  readonly childLog: ChildSettings['log'];
  /** Program of one process; `child` beside this file by default. */
  readonly entry?: string;
  readonly clock?: Clock;
  readonly onReady?: (pid: number | undefined, ready: ChildReady) => void;
  readonly onExit?: (exit: ChildExit) => void;
}

/** One of the processes that the pool keeps up, whichever it is at the time. */
interface WorkerSlot {
  child: WorkerChild;
  ready: ChildReady | undefined;
  /** Deaths in a row of processes that did not live long. */
  earlyDeaths: number;
  cancelRestart: (() => void) | undefined;
}

// The build keeps the layout and changes the extension, so the entry has that of this very file.
const ENTRY = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
const STABLE_AFTER_MS = 30_000;
const MIN_RESTART_MS = 1000;
const MAX_RESTART_MS = 10_000;

/**
 * How long to wait before a process that died is started again: starts in one worker slot are a second apart at
 * least, and up to 10 s when it keeps dying young. `earlyDeaths` counts this one; 0 = it lived long.
 */
export function restartDelayMs(earlyDeaths: number, livedMs: number): number {
  if (earlyDeaths <= 1) return Math.max(0, MIN_RESTART_MS - livedMs);
  return Math.min(MAX_RESTART_MS, MIN_RESTART_MS * 2 ** (earlyDeaths - 2));
}

/**
 * Keeps a number of worker processes alive.
 *
 *   idle      before start
 *   serving   a process that dies is started again, later and later when it keeps dying
 *   ended     nothing is started any more; processes drain or are killed
 *
 * No process outlives it: they drain when this process goes without a word (their channel closes), and are
 * killed when it exits by itself.
 */
export class WorkerPool implements Component {
  readonly name = 'workers';
  readonly #options: WorkerPoolOptions;
  readonly #clock: Clock;
  readonly #workerSlots: WorkerSlot[] = [];
  /** Every process that has not ended yet, those being replaced included. */
  readonly #children = new Set<WorkerChild>();
  #state: 'idle' | 'serving' | 'ended' = 'idle';
  readonly #killOnExit = () => {
    for (const child of this.#children) child.kill();
  };

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Names of the functions that are served. */
  get functions(): string[] {
    return this.#workerSlots[0]?.ready?.functions.map(({ name }) => name) ?? [];
  }

  /** Resolves when all processes serve. Throws one line when one cannot, and leaves none behind. */
  async start(): Promise<void> {
    this.#state = 'serving';
    process.on('exit', this.#killOnExit);
    try {
      const first = Array.from({ length: this.#options.processes }, () => this.#open());
      const readies = await Promise.all(first.map(({ ready }) => ready));
      for (const [index, child] of first.entries()) this.#fill(child, readies[index]);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#logFailed(this.#workerSlots[0]?.ready?.failed ?? []);
  }

  /**
   * Replaces the processes one after the other, each new one serving before its old one drains. Throws one line
   * and leaves the old ones serving when a new one does not start, or cannot load what the old one could.
   */
  async restartAll(): Promise<void> {
    for (const workerSlot of this.#workerSlots) {
      if (this.#state !== 'serving') return;
      const child = this.#open();
      const ready = await child.ready;
      const lost = ready.failed.find(
        ({ file }) => !workerSlot.ready?.failed.some((old) => old.file === file),
      );
      if (lost !== undefined || this.#isEnded()) {
        // It may have taken calls already.
        await child.drain();
        if (lost !== undefined) throw new Error(`${lost.file}: ${lost.reason}`);
        return;
      }
      const old = workerSlot.child;
      workerSlot.cancelRestart?.();
      workerSlot.earlyDeaths = 0;
      this.#put(workerSlot, child, ready);
      await old.drain();
    }
  }

  /** Every process finishes what it has; resolves when all have ended, by force if need be. */
  async drain(): Promise<void> {
    this.#end();
    await Promise.all([...this.#children].map((child) => child.drain()));
    process.off('exit', this.#killOnExit);
  }

  /** Kills what is left; resolves when nothing is. */
  async stop(): Promise<void> {
    this.#end();
    const children = [...this.#children];
    for (const child of children) child.kill();
    await Promise.all(children.map(({ exited }) => exited));
    process.off('exit', this.#killOnExit);
  }

  #isEnded(): boolean {
    return this.#state === 'ended';
  }

  #end(): void {
    this.#state = 'ended';
    for (const workerSlot of this.#workerSlots) workerSlot.cancelRestart?.();
  }

  #open(): WorkerChild {
    const { settings, childLog, entry = ENTRY, onExit, onReady } = this.#options;
    const child = new WorkerChild(entry, { worker: settings, log: childLog }, this.#clock);
    this.#children.add(child);
    void child.exited.then((exit) => {
      this.#children.delete(child);
      onExit?.(exit);
    });
    child.ready.then(
      (ready) => onReady?.(child.pid, ready),
      () => {},
    );
    return child;
  }

  #fill(child: WorkerChild, ready: ChildReady | undefined): void {
    const workerSlot: WorkerSlot = { child, ready: undefined, earlyDeaths: 0, cancelRestart: undefined };
    this.#workerSlots.push(workerSlot);
    this.#put(workerSlot, child, ready);
  }

  /** From here on the slot is filled again when the process dies. */
  #put(workerSlot: WorkerSlot, child: WorkerChild, ready: ChildReady | undefined): void {
    workerSlot.child = child;
    workerSlot.ready = ready;
    void child.exited.then((exit) => {
      if (this.#state === 'serving' && workerSlot.child === child) this.#restartLater(workerSlot, exit);
    });
  }

  #restartLater(workerSlot: WorkerSlot, { pid, reason, livedMs }: ChildExit): void {
    workerSlot.earlyDeaths = livedMs < STABLE_AFTER_MS ? workerSlot.earlyDeaths + 1 : 0;
    const delayMs = restartDelayMs(workerSlot.earlyDeaths, livedMs);
    this.#options.log.error(
      { process: pid, reason, livedMs: Math.round(livedMs), delayMs },
      'a worker process died',
    );
    workerSlot.cancelRestart = this.#clock.after(delayMs, () => {
      const child = this.#open();
      this.#put(workerSlot, child, workerSlot.ready);
      child.ready.then(
        (ready) => {
          workerSlot.ready = ready;
        },
        () => {},
      );
    });
  }

  #logFailed(failed: ChildReady['failed']): void {
    for (const { file, reason } of failed) this.#options.log.error({ file, reason }, 'not loaded');
  }
}
