import type { Rates } from './snapshot.ts';

/** Counts since a worker's start. */
export type Counters = Rates;

const STALE_AFTER_MS = 5000;

/** How fast counts grow: per second, between the last two reports. */
export class RateMeter {
  #last: { readonly at: number; readonly counters: Counters } | undefined;
  #rates: Rates | undefined;

  /** `now` in milliseconds, later than the one before. */
  add(now: number, counters: Counters): void {
    const last = this.#last;
    this.#last = { at: now, counters };
    this.#rates = last === undefined ? undefined : ratesBetween(last.counters, counters, now - last.at);
  }

  /** Per second; undefined while they are not known. */
  get rates(): Rates | undefined {
    return this.#rates;
  }

  /** Whether the last report is so old that the rates say nothing any more. */
  isStale(now: number): boolean {
    return this.#last !== undefined && now - this.#last.at > STALE_AFTER_MS;
  }
}

function ratesBetween(before: Counters, after: Counters, ms: number): Rates | undefined {
  if (ms <= 0) return undefined;
  const perSecond = (name: keyof Counters): number => {
    return Math.round(((after[name] - before[name]) * 100_000) / ms) / 100;
  };
  return {
    done: perSecond('done'),
    errors: perSecond('errors'),
    busy: perSecond('busy'),
    expired: perSecond('expired'),
    cancelled: perSecond('cancelled'),
  };
}
