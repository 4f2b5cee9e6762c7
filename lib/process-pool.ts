import type { Logger } from 'pino';
import { type Clock, systemClock } from './clock.ts';
import type { Component } from './lifecycle.ts';
import { type ChildExit, PoolChild, type PoolChildOptions } from './pool-child.ts';

/** What a pool needs. */
export interface ProcessPoolOptions<Ready> extends Omit<PoolChildOptions<Ready>, 'clock'> {
  /** Its name as a component. */
  readonly name: string;
  readonly processes: number;
  readonly log: Logger;
  readonly clock?: Clock | undefined;
  /** Why a fresh process must not take the place of an old one, in one line; undefined when it may. */
  objection?(
    fresh: PoolChild<Ready>,
    ready: Ready,
    old: Ready | undefined,
  ): Promise<string | undefined> | string | undefined;
  onReady?(child: PoolChild<Ready>, ready: Ready): void;
  onExit?(child: PoolChild<Ready>, exit: ChildExit): void;
}

/** One of the processes that the pool keeps up, whichever it is at the time. */
interface Place<Ready> {
  child: PoolChild<Ready>;
  ready: Ready | undefined;
  /** Deaths in a row of processes that did not live long. */
  earlyDeaths: number;
  cancelRestart: (() => void) | undefined;
}

const STABLE_AFTER_MS = 30_000;
const MIN_RESTART_MS = 1000;
const MAX_RESTART_MS = 10_000;

/**
 * How long to wait before a process that died is started again: starts in one place are a second apart at least, and
 * up to 10 s when it keeps dying young. `earlyDeaths` counts this one; 0 = it lived long.
 */
export function restartDelayMs(earlyDeaths: number, livedMs: number): number {
  if (earlyDeaths <= 1) return Math.max(0, MIN_RESTART_MS - livedMs);
  return Math.min(MAX_RESTART_MS, MIN_RESTART_MS * 2 ** (earlyDeaths - 2));
}

/**
 * Keeps a number of processes alive.
 *
 *   idle      before start
 *   serving   a process that dies is started again, later and later when it keeps dying
 *   ended     nothing is started any more; processes drain or are killed
 *
 * No process outlives it: they drain when this process goes without a word (their channel closes), and are
 * killed when it exits by itself.
 */
export class ProcessPool<Ready> implements Component {
  readonly name: string;
  readonly #options: ProcessPoolOptions<Ready>;
  readonly #clock: Clock;
  readonly #places: Place<Ready>[] = [];
  /** Every process that has not ended yet, those being replaced included. */
  readonly #children = new Set<PoolChild<Ready>>();
  #state: 'idle' | 'serving' | 'ended' = 'idle';
  readonly #killOnExit = () => {
    for (const child of this.#children) child.kill();
  };

  constructor(options: ProcessPoolOptions<Ready>) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** What the processes that it keeps up reported, in order; undefined of one that has not yet served. */
  get readies(): readonly (Ready | undefined)[] {
    return this.#places.map(({ ready }) => ready);
  }

  /** Every process that has not ended yet, those being replaced included. */
  get children(): ReadonlySet<PoolChild<Ready>> {
    return this.#children;
  }

  /** Resolves when all processes serve. Throws one line when one cannot, and leaves none behind. */
  async start(): Promise<void> {
    if (this.#isEnded()) throw new Error(`${this.name} ended before the start`);
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
  }

  /**
   * Replaces the processes one after the other, each new one serving before its old one drains. Throws one line
   * and leaves the old ones serving when a new one does not start, or there is an objection to it.
   */
  async restartAll(): Promise<void> {
    for (const place of this.#places) {
      if (this.#state !== 'serving') return;
      const child = this.#open();
      const ready = await child.ready;
      const objection = await this.#options.objection?.(child, ready, place.ready);
      if (objection !== undefined || this.#isEnded()) {
        // It may have taken calls already.
        await child.drain({ isReplaced: true });
        if (objection !== undefined) throw new Error(objection);
        return;
      }
      const old = place.child;
      place.cancelRestart?.();
      place.earlyDeaths = 0;
      this.#put(place, child, ready);
      await old.drain({ isReplaced: true });
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
    for (const place of this.#places) place.cancelRestart?.();
  }

  #open(): PoolChild<Ready> {
    const child = new PoolChild({ ...this.#options, clock: this.#clock });
    this.#children.add(child);
    void child.exited.then((exit) => {
      this.#children.delete(child);
      this.#options.onExit?.(child, exit);
    });
    child.ready.then(
      (ready) => this.#options.onReady?.(child, ready),
      () => {},
    );
    return child;
  }

  #fill(child: PoolChild<Ready>, ready: Ready | undefined): void {
    const place: Place<Ready> = { child, ready: undefined, earlyDeaths: 0, cancelRestart: undefined };
    this.#places.push(place);
    this.#put(place, child, ready);
  }

  /** From here on the place is filled again when the process dies. */
  #put(place: Place<Ready>, child: PoolChild<Ready>, ready: Ready | undefined): void {
    place.child = child;
    place.ready = ready;
    void child.exited.then((exit) => {
      if (this.#state === 'serving' && place.child === child) this.#restartLater(place, exit);
    });
  }

  #restartLater(place: Place<Ready>, { pid, reason, livedMs }: ChildExit): void {
    place.earlyDeaths = livedMs < STABLE_AFTER_MS ? place.earlyDeaths + 1 : 0;
    const delayMs = restartDelayMs(place.earlyDeaths, livedMs);
    const { log, what } = this.#options;
    log.error({ process: pid, reason, livedMs: Math.round(livedMs), delayMs }, `${what} died`);
    place.cancelRestart = this.#clock.after(delayMs, () => {
      const child = this.#open();
      this.#put(place, child, place.ready);
      child.ready.then(
        (ready) => {
          place.ready = ready;
        },
        () => {},
      );
    });
  }
}
