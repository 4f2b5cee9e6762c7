import type { Clock } from '../../lib/clock.ts';

interface Timer {
  at: number;
  order: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

const EPOCH = Date.UTC(2030, 0, 1);

/**
 * Time that moves only when a test says so. Timers run in the order of their time, those of the same time in
 * the order they were made. Every host has its own view (`host`), with its own wall clock.
 */
export class FakeClock implements Clock {
  /** Sorted: the next one last. */
  readonly #timers: Timer[] = [];
  #singleTimers = 0;
  #elapsedMs = 0;
  #order = 0;
  readonly #self: HostClock;

  /** `wallOffsetMs` is how far this host's wall clock is ahead. */
  constructor(wallOffsetMs = 0) {
    this.#self = this.host({ wallOffsetMs });
  }

  /** A host in the same time; its monotonic clock may have another start, its wall clock may be wrong. */
  host(options: { wallOffsetMs?: number; startMs?: number } = {}): HostClock {
    return new HostClock(
      () => this.#elapsedMs,
      (ms, everyMs, run) => this.#add(ms, everyMs, run),
      options.startMs ?? 1_000_000,
      options.wallOffsetMs ?? 0,
    );
  }

  get wallOffsetMs(): number {
    return this.#self.wallOffsetMs;
  }

  set wallOffsetMs(ms: number) {
    this.#self.wallOffsetMs = ms;
  }

  now(): number {
    return this.#self.now();
  }

  wall(): number {
    return this.#self.wall();
  }

  after(ms: number, run: () => void): () => void {
    return this.#self.after(ms, run);
  }

  every(ms: number, run: () => void): () => void {
    return this.#self.every(ms, run);
  }

  /** Timers that wait, all hosts together: zero when nothing was left behind. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time by `ms` and runs what is due; promises are settled after each timer. */
  async advance(ms: number): Promise<void> {
    const until = this.#elapsedMs + ms;
    await settle();
    while (this.#runNext(until)) await settle();
    this.#elapsedMs = until;
  }

  /** The same for code without promises. */
  advanceSync(ms: number): void {
    const until = this.#elapsedMs + ms;
    while (this.#runNext(until));
    this.#elapsedMs = until;
  }

  /** Moves time without running anything, as for a stopped process; what is due runs at the next advance. */
  freeze(ms: number): void {
    this.#elapsedMs += ms;
  }

  /** Runs until no single timer is left (repeating ones do not count); throws after `limit` timers. */
  async runAll(limit = 100_000): Promise<void> {
    await settle();
    for (let count = 0; this.#singleTimers > 0; count++) {
      if (count === limit) throw new Error(`more than ${limit} timers ran`);
      this.#runNext(Number.POSITIVE_INFINITY);
      await settle();
    }
  }

  #add(ms: number, everyMs: number | undefined, run: () => void): () => void {
    const timer = { at: this.#elapsedMs + Math.max(ms, 0), order: this.#order++, everyMs, run };
    this.#insert(timer);
    return () => this.#remove(timer);
  }

  /** Whether one was due by `until`. */
  #runNext(until: number): boolean {
    const next = this.#timers.at(-1);
    if (next === undefined || next.at > until) return false;
    this.#elapsedMs = Math.max(this.#elapsedMs, next.at);
    this.#remove(next);
    if (next.everyMs !== undefined) {
      // Like the machine's: after a stop it runs once, not once for each interval missed.
      next.at = this.#elapsedMs + next.everyMs;
      next.order = this.#order++;
      this.#insert(next);
    }
    next.run();
    return true;
  }

  #insert(timer: Timer): void {
    this.#timers.splice(this.#indexOf(timer), 0, timer);
    if (timer.everyMs === undefined) this.#singleTimers++;
  }

  #remove(timer: Timer): void {
    const index = this.#indexOf(timer);
    if (this.#timers[index] !== timer) return;
    this.#timers.splice(index, 1);
    if (timer.everyMs === undefined) this.#singleTimers--;
  }

  /** Where it is, or would be. */
  #indexOf(timer: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      const isLater = other && (other.at > timer.at || (other.at === timer.at && other.order > timer.order));
      if (isLater) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** One host's view of a FakeClock. */
export class HostClock implements Clock {
  /** How far the wall clock is ahead of the true time; set it to make the clock step. */
  wallOffsetMs: number;
  readonly #elapsed: () => number;
  readonly #add: (ms: number, everyMs: number | undefined, run: () => void) => () => void;
  readonly #startMs: number;

  constructor(
    elapsed: () => number,
    add: (ms: number, everyMs: number | undefined, run: () => void) => () => void,
    startMs: number,
    wallOffsetMs: number,
  ) {
    this.#elapsed = elapsed;
    this.#add = add;
    this.#startMs = startMs;
    this.wallOffsetMs = wallOffsetMs;
  }

  now(): number {
    return this.#startMs + this.#elapsed();
  }

  wall(): number {
    return Math.round(EPOCH + this.wallOffsetMs + this.#elapsed());
  }

  after(ms: number, run: () => void): () => void {
    return this.#add(ms, undefined, run);
  }

  every(ms: number, run: () => void): () => void {
    return this.#add(ms, Math.max(ms, 0.001), run);
  }
}

/** Lets every promise that can be settled be settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
