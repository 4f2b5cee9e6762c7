/**
 * The slots of one function in this process. A slot is *free*, *reserved* while a pull is out for it, or *running*
 * a call. While the event loop lags or the worker drains, no slot counts as free: nothing could begin in time.
 */
export class Slots {
  readonly total: number;
  running = 0;
  reserved = 0;
  isClosed = false;

  constructor(total: number) {
    this.total = total;
  }

  get free(): number {
    return this.isClosed ? 0 : Math.max(0, this.total - this.running - this.reserved);
  }
}

const HALF_LIFE_MS = 10_000;

/**
 * Moving average of run times in milliseconds; 0 until the first is known. What is told to gateways fades while no
 * call runs: one that was frozen or slow for a while would otherwise get no call that could correct it.
 */
export class ServiceTime {
  #averageMs = 0;
  #lastAt = 0;

  get averageMs(): number {
    return this.#averageMs;
  }

  /** `now` is monotonic milliseconds. */
  toldMs(now: number): number {
    if (this.#averageMs === 0) return 0;
    return Math.max(SHORTEST_MS, this.#averageMs * 0.5 ** ((now - this.#lastAt) / HALF_LIFE_MS));
  }

  add(ms: number, now: number): void {
    const known = Math.max(ms, SHORTEST_MS);
    this.#averageMs = this.#averageMs === 0 ? known : this.#averageMs + 0.2 * (known - this.#averageMs);
    this.#lastAt = now;
  }
}

/** A run time of 0 would read as unknown. */
const SHORTEST_MS = 0.05;
