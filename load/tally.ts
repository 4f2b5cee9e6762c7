import { Latencies, type Percentiles } from './latencies.ts';
import type { PostResult } from './post.ts';

/** A call that is over. */
export interface TalliedCall extends PostResult {
  readonly url: string;
  readonly tookMs: number;
  readonly lateMs: number;
}

/** How often calls ended alike. */
interface OutcomeCount extends Pick<PostResult, 'status' | 'code' | 'started'> {
  readonly count: number;
  /** Of all calls that were offered and are over, 0 to 1. */
  readonly share: number;
}

/** Figures of one address. */
interface UrlFigures {
  readonly url: string;
  readonly calls: number;
  readonly results: number;
  /** Of the results; absent without any. */
  readonly latencyMs?: Percentiles;
}

/** Figures of all calls that are over. */
export interface TallyFigures {
  /** Status 2xx. */
  readonly results: number;
  /** Results within the budget; without a budget all results. */
  readonly inTime: number;
  /** Calls that were due while `maxInFlight` others were under way. */
  readonly notSent: number;
  /** Most frequent first. */
  readonly outcomes: readonly OutcomeCount[];
  /** From the moment a call was due to the end of its answer; absent without any. Calls not sent have none. */
  readonly latencyMs: { readonly results?: Percentiles; readonly failures?: Percentiles };
  /** How late the calls were sent: what the generator itself adds to the latencies. */
  readonly lateMs?: Percentiles;
  readonly urls: readonly UrlFigures[];
}

/** Code of a call that was due while too many others were under way. */
export const NOT_SENT = 'not_sent';

/** A server that makes up codes must not fill the memory: what comes after so many is counted as `other`. */
const MAX_OUTCOMES = 200;

interface UrlTally {
  calls: number;
  results: number;
  readonly latencies: Latencies;
}

/** Counts calls: counters and histograms, so that memory does not grow with their number. */
export class Tally {
  readonly #budgetMs: number;
  readonly #outcomes = new Map<string, Pick<PostResult, 'status' | 'code' | 'started'> & { count: number }>();
  readonly #urls: ReadonlyMap<string, UrlTally>;
  readonly #results = new Latencies();
  readonly #failures = new Latencies();
  readonly #late = new Latencies();
  #count = 0;
  #resultCount = 0;
  #inTime = 0;
  #notSent = 0;

  constructor(urls: readonly string[], budgetMs = Number.POSITIVE_INFINITY) {
    this.#budgetMs = budgetMs;
    this.#urls = new Map(urls.map((url) => [url, { calls: 0, results: 0, latencies: new Latencies() }]));
  }

  add(call: TalliedCall): void {
    const { code, tookMs, lateMs } = call;
    this.#count++;
    this.#countOutcome(call);
    if (code === NOT_SENT) {
      this.#notSent++;
      return;
    }
    this.#late.add(lateMs);
    const url = this.#urls.get(call.url);
    if (url !== undefined) url.calls++;
    if (code !== 'ok') return this.#failures.add(tookMs);
    this.#resultCount++;
    if (tookMs <= this.#budgetMs) this.#inTime++;
    this.#results.add(tookMs);
    if (url === undefined) return;
    url.results++;
    url.latencies.add(tookMs);
  }

  get results(): number {
    return this.#resultCount;
  }

  /** Of the results so far. */
  get latencyMs(): Percentiles | undefined {
    return this.#results.percentiles;
  }

  /** How many failed with which code, most frequent first. */
  get failures(): { readonly code: string; readonly count: number }[] {
    const counts = new Map<string, number>();
    for (const { code, count } of this.#outcomes.values()) {
      if (code !== 'ok') counts.set(code, (counts.get(code) ?? 0) + count);
    }
    return [...counts].map(([code, count]) => ({ code, count })).sort((a, b) => b.count - a.count);
  }

  figures(): TallyFigures {
    const results = this.#results.percentiles;
    const failures = this.#failures.percentiles;
    const lateMs = this.#late.percentiles;
    return {
      results: this.#resultCount,
      inTime: this.#inTime,
      notSent: this.#notSent,
      outcomes: [...this.#outcomes.values()]
        .map((outcome) => ({ ...outcome, share: outcome.count / this.#count }))
        .sort((a, b) => b.count - a.count),
      latencyMs: { ...(results && { results }), ...(failures && { failures }) },
      ...(lateMs && { lateMs }),
      urls: [...this.#urls].map(([url, { calls, results: ofUrl, latencies }]) => ({
        url,
        calls,
        results: ofUrl,
        ...(latencies.percentiles && { latencyMs: latencies.percentiles }),
      })),
    };
  }

  #countOutcome({ status, code, started }: PostResult): void {
    const isNew = !this.#outcomes.has(`${status} ${code} ${started}`);
    const shown = isNew && this.#outcomes.size >= MAX_OUTCOMES ? 'other' : code;
    const key = `${status} ${shown} ${started}`;
    const outcome = this.#outcomes.get(key);
    if (outcome !== undefined) outcome.count++;
    else this.#outcomes.set(key, { status, code: shown, ...(started && { started }), count: 1 });
  }
}
