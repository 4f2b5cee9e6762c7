const HALF_LIFE_MS = 10_000;
/** A run time of 0 would read as unknown. */
const SHORTEST_MS = 0.05;

/**
 * Moving average of run times in milliseconds; 0 until the first is known. What is reported to gateways fades while no
 * call runs: one that was frozen or slow for a while would otherwise get no call that could correct it.
 */
export class ServiceTime {
  #averageMs = 0;
  #lastAt = 0;

  get averageMs(): number {
    return this.#averageMs;
  }

  /** `now` is monotonic milliseconds. */
  reportedMs(now: number): number {
    if (this.#averageMs === 0) return 0;
    return Math.max(SHORTEST_MS, this.#averageMs * 0.5 ** ((now - this.#lastAt) / HALF_LIFE_MS));
  }

  add(ms: number, now: number): void {
    const known = Math.max(ms, SHORTEST_MS);
    this.#averageMs = this.#averageMs === 0 ? known : this.#averageMs + 0.2 * (known - this.#averageMs);
    this.#lastAt = now;
  }
}
