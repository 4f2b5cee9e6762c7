import { build } from 'hdr-histogram-js';

/** Percentiles of durations, in milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

const US_PER_MS = 1000;
const EXPECTED_MAX_US = 120_000_000;

/**
 * Durations in an HDR histogram: microseconds, three significant digits, whatever their number in the same memory
 * (about 75 KB).
 */
export class Latencies {
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: EXPECTED_MAX_US,
    numberOfSignificantValueDigits: 3,
    autoResize: true,
  });

  add(ms: number): void {
    this.#histogram.recordValue(Math.max(0, Math.round(ms * US_PER_MS)));
  }

  /** Undefined when there are none. */
  get percentiles(): Percentiles | undefined {
    const histogram = this.#histogram;
    if (histogram.totalCount === 0) return undefined;
    // The histogram answers with the upper end of a bucket, which may lie above everything that was seen.
    const at = (percent: number) =>
      Math.min(histogram.getValueAtPercentile(percent), histogram.maxValue) / US_PER_MS;
    return { p50: at(50), p90: at(90), p99: at(99), p999: at(99.9), max: at(100) };
  }
}
