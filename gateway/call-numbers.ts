import type { Started } from '../protocol/codes.ts';
import { type LabelledSeries, Series } from './plain-histogram.ts';

/** Bucket limits in seconds, from a fast handler's millisecond to the longest budget. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** How calls of a function ended so, and how many. */
export interface CallCount {
  readonly code: string;
  readonly started: Started;
  count: number;
}

/** What is counted of the calls of one function, as plain numbers. */
export class CallNumbers {
  readonly #counts: CallCount[] = [];
  readonly #answered = new Series(SECONDS);
  readonly #failed = new Series(SECONDS);
  readonly #queue = new Series(SECONDS);

  /** A call was answered; times in milliseconds. */
  answered(elapsedMs: number, queueMs: number): void {
    this.#count('ok', 'yes');
    this.#answered.observe(elapsedMs / 1000);
    this.#queue.observe(queueMs / 1000);
  }

  /** A call failed. */
  failed(code: string, started: Started, elapsedMs: number): void {
    this.#count(code, started);
    this.#failed.observe(elapsedMs / 1000);
  }

  get counts(): readonly CallCount[] {
    return this.#counts;
  }

  /** Time from the head of the request to its answer. */
  durations(fn: string): LabelledSeries[] {
    const answered: LabelledSeries = [{ function: fn, result: 'answered' }, this.#answered];
    const failed: LabelledSeries = [{ function: fn, result: 'failed' }, this.#failed];
    return [answered, failed].filter(hasObservations);
  }

  /** How long answered calls waited for a slot. */
  waits(fn: string): LabelledSeries[] {
    const waits: LabelledSeries = [{ function: fn }, this.#queue];
    return [waits].filter(hasObservations);
  }

  #count(code: string, started: Started): void {
    // There are few: to compare them is faster than to make a key.
    let known = this.#counts.find((one) => one.code === code && one.started === started);
    if (known === undefined) {
      known = { code, started, count: 0 };
      this.#counts.push(known);
    }
    known.count++;
  }
}

function hasObservations([, series]: LabelledSeries): boolean {
  return series.count > 0;
}
