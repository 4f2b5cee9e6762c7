/** Weight of the newest run, but for the first ones, which count alike: a change is followed within some tens of runs. */
const GAIN = 1 / 16;
const MIN_RUNS = 16;
/** Mean deviation, as a share of the mean, up to which runs count as alike. */
const ALIKE_SHARE = 1 / 8;
const DEVIATIONS = 2;

/**
 * How long runs of a function take at a worker, and whether that can be relied on: moving averages of run time and
 * of its deviation, as TCP keeps them of round trips (Jacobson, "Congestion Avoidance and Control", 1988; RFC 6298).
 */
export class RunTime {
  #runs = 0;
  #meanMs = 0;
  #deviationMs = 0;

  add(ms: number): void {
    this.#runs++;
    const gain = Math.max(GAIN, 1 / this.#runs);
    this.#deviationMs += gain * (Math.abs(ms - this.#meanMs) - this.#deviationMs);
    this.#meanMs += gain * (ms - this.#meanMs);
    // Of one run there is no deviation.
    if (this.#runs === 1) this.#deviationMs = 0;
  }

  /**
   * With less time than this left, in milliseconds, a run would almost certainly end too late. 0 when runs differ
   * so much that a short one may still come, or too few were seen.
   */
  get neededMs(): number {
    if (this.#runs < MIN_RUNS || this.#deviationMs > ALIKE_SHARE * this.#meanMs) return 0;
    return this.#meanMs + DEVIATIONS * this.#deviationMs;
  }
}
