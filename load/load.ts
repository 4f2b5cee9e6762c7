import { Agent } from 'node:http';
import { paceCalls } from './pace.ts';
import { type PostResult, post } from './post.ts';
import { type Arrivals, type DueCall, Schedule } from './schedule.ts';
import { NOT_SENT, Tally, type TallyFigures } from './tally.ts';

/** What to send where, and how fast. */
export interface LoadPlan {
  /** Full addresses (http:) to POST to, taken in turn. */
  readonly urls: readonly string[];
  readonly arrivals: Arrivals;
  /** How long calls are sent; answers are waited for after it. */
  readonly durationMs: number;
  /** Independent producers, each with its own pace and pauses; 1 by default. */
  readonly clients?: number;
  /** Sent as `Request-Timeout`; not sent by default. It also bounds how long an answer is waited for, see `Load`. */
  readonly budgetMs?: number;
  /** A client that gets a 503 with Retry-After pauses for as long. Off by default. */
  readonly isPolite?: boolean;
  /** The body of call `n`; none by default. */
  readonly body?: (n: number) => { data: Uint8Array | string; contentType: string } | undefined;
  /** Headers of call `n` besides `Content-Type`, `Content-Length` and `Request-Timeout`, which they override. */
  readonly headers?: (n: number) => Record<string, string>;
  /** The same seed gives calls at the same times; a random one by default. */
  readonly seed?: number;
  /** A call that is due while so many are under way is not sent, and counted as `not_sent`; 10000 by default. */
  readonly maxInFlight?: number;
  /** Once for each call: at the end of its answer, when there will be none, or when it was not sent. Must not throw. */
  readonly onCall?: (call: LoadCall) => void;
  /** When a polite client begins to pause. Must not throw. */
  readonly onPause?: (pause: LoadPause) => void;
}

/** A call that is over. */
export interface LoadCall extends PostResult {
  /** 0, 1, 2, ... in the order in which calls were due; those due in a pause have no number. */
  readonly n: number;
  /** 1 is the first. */
  readonly client: number;
  readonly url: string;
  /** Milliseconds since the load began, when it was due. */
  readonly dueMs: number;
  /** From then to the end of the answer. */
  readonly tookMs: number;
  /** From then to its sending: how late the generator itself was. */
  readonly lateMs: number;
}

/** A polite client was told to come back later. */
export interface LoadPause {
  /** 1 is the first. */
  readonly client: number;
  readonly ms: number;
  readonly status: number;
  readonly code: string;
}

/** Where a load stands. */
export interface LoadProgress {
  readonly elapsedMs: number;
  /** Of sending; 0 when only answers are waited for. */
  readonly leftMs: number;
  readonly sent: number;
  readonly inFlight: number;
  readonly paused: number;
  readonly results: number;
  /** Of the results so far; absent without any. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
  /** How many failed with which code, most frequent first. */
  readonly failures: readonly { readonly code: string; readonly count: number }[];
}

/** What a load came to. Times are milliseconds. */
export interface LoadSummary extends TallyFigures {
  readonly seed: number;
  readonly clients: number;
  readonly budgetMs?: number;
  /** For how long calls were sent. */
  readonly sendingMs: number;
  /** Until the last answer. */
  readonly tookMs: number;
  /** Calls that were due outside of pauses: sent or not sent. */
  readonly offered: number;
  readonly sent: number;
  /** Calls that were due while their client paused. They were not sent and are not counted as offered. */
  readonly paused: number;
  /** How often a client began to pause. */
  readonly pauses: number;
  /** Results in time: for each second of sending, and as a share (0 to 1) of what was offered. */
  readonly goodput: { readonly perSecond: number; readonly share: number };
}

const DEFAULT_MAX_IN_FLIGHT = 10_000;
/** Longer than a gateway lets any call take, unless it is set up otherwise. */
const DEFAULT_ANSWER_MS = 35_000;
const ANSWER_GRACE_MS = 1000;

/**
 * How long an answer is waited for, from the sending of the call: twice the budget, 35 s without one, and a second.
 * Then the call is over with status 0 and code `no_answer`.
 */
export function answerLimitMs(budgetMs: number | undefined): number {
  return (budgetMs === undefined ? DEFAULT_ANSWER_MS : 2 * budgetMs) + ANSWER_GRACE_MS;
}

/**
 * An open-loop producer: sends calls when they are due, whatever became of those before.
 *
 *   idle → sending → waiting for answers → done
 *
 * Latency counts from the moment a call was due, not from when it was sent. A generator that waits, or that is late,
 * would otherwise leave out just the calls that a stalled server made wait ("coordinated omission": Gil Tene, "How
 * NOT to Measure Latency", and the documentation of HdrHistogram).
 */
export class Load {
  /** Resolves when the last call is over. */
  readonly done: Promise<LoadSummary>;
  readonly #options: LoadPlan;
  readonly #urls: readonly { readonly text: string; readonly url: URL }[];
  readonly #seed: number;
  readonly #clients: number;
  readonly #schedule: Schedule;
  readonly #tally: Tally;
  readonly #agent = new Agent({ keepAlive: true, noDelay: true, maxFreeSockets: 1024 });
  /** How to give up each call that is under way. */
  readonly #underWay = new Set<() => void>();
  /** Until when each client pauses, in milliseconds since the load began. */
  readonly #pausedUntilMs = new Map<number, number>();
  #finish: (summary: LoadSummary) => void = () => {};
  #startedAt: number | undefined;
  #stopPace: () => void = () => {};
  #sendingMs: number | undefined;
  #offered = 0;
  #sent = 0;
  #paused = 0;
  #pauses = 0;

  /** Throws a RangeError or TypeError for options that cannot be followed. */
  constructor(options: LoadPlan) {
    const { clients = 1, seed = Math.floor(Math.random() * 2 ** 32), urls, durationMs } = options;
    if (urls.length === 0) throw new RangeError('a load needs at least one address');
    if (!(Number.isInteger(clients) && clients > 0))
      throw new RangeError(`clients must be 1 or more, got ${clients}`);
    if (!(durationMs > 0)) throw new RangeError(`durationMs must be above 0, got ${durationMs}`);
    this.#options = options;
    this.#clients = clients;
    this.#seed = seed;
    this.#urls = urls.map((text) => ({ text, url: new URL(text) }));
    this.#schedule = new Schedule(options.arrivals, clients, seed);
    this.#tally = new Tally(urls, options.budgetMs);
    this.done = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Begins to send; time counts from here. Does nothing when it was started or stopped before. */
  start(): void {
    if (this.#startedAt !== undefined || this.#sendingMs !== undefined) return;
    this.#startedAt = performance.now();
    this.#stopPace = paceCalls({
      elapsedMs: () => this.#elapsedMs(),
      dueMs: () => this.#schedule.next.dueMs,
      send: () => this.#offer(this.#schedule.take()),
      untilMs: this.#options.durationMs,
      onOver: () => this.stop(),
    });
  }

  /** Calls that were sent and are not over. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** Where it stands now. */
  progress(): LoadProgress {
    const elapsedMs = this.#elapsedMs();
    const latencies = this.#tally.latencyMs;
    return {
      elapsedMs,
      leftMs: this.#sendingMs === undefined ? Math.max(0, this.#options.durationMs - elapsedMs) : 0,
      sent: this.#sent,
      inFlight: this.inFlight,
      paused: this.#paused,
      results: this.#tally.results,
      ...(latencies && { latencyMs: { p50: latencies.p50, p99: latencies.p99 } }),
      failures: this.#tally.failures,
    };
  }

  /** Sends no more; answers are still waited for. */
  stop(): void {
    if (this.#sendingMs !== undefined) return;
    this.#stopPace();
    this.#sendingMs = Math.min(this.#elapsedMs(), this.#options.durationMs);
    this.#finishIfOver();
  }

  /** Sends no more and ends the calls under way at once: status 0, code `aborted`. */
  abort(): void {
    this.stop();
    for (const giveUp of this.#underWay) giveUp();
  }

  #elapsedMs(): number {
    return this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt;
  }

  #offer(arrival: DueCall): void {
    const { client, dueMs } = arrival;
    if (dueMs < (this.#pausedUntilMs.get(client) ?? 0)) {
      this.#paused++;
      return;
    }
    const n = this.#offered++;
    const target = this.#urls[n % this.#urls.length];
    if (target === undefined) return;
    const lateMs = this.#elapsedMs() - dueMs;
    const about = { n, client, url: target.text, dueMs, lateMs };
    if (this.inFlight >= (this.#options.maxInFlight ?? DEFAULT_MAX_IN_FLIGHT)) {
      return this.#over({ ...about, tookMs: lateMs, status: 0, code: NOT_SENT });
    }
    this.#sent++;
    const giveUp = post(target.url, this.#request(n), (answer) => {
      this.#underWay.delete(giveUp);
      this.#over({ ...about, tookMs: this.#elapsedMs() - dueMs, ...answer });
      this.#finishIfOver();
    });
    this.#underWay.add(giveUp);
  }

  #request(n: number) {
    const { budgetMs, body, headers } = this.#options;
    const content = body?.(n);
    return {
      agent: this.#agent,
      headers: {
        ...(content && { 'Content-Type': content.contentType }),
        ...(budgetMs === undefined ? {} : { 'Request-Timeout': String(budgetMs / 1000) }),
        ...headers?.(n),
      },
      body: content?.data,
      limitMs: answerLimitMs(budgetMs),
    };
  }

  #over(call: LoadCall): void {
    this.#tally.add(call);
    this.#options.onCall?.(call);
    if (this.#options.isPolite === true && call.status === 503) this.#pause(call);
  }

  /** The answers to what a client had sent before its last pause tell it nothing new. */
  #pause({ client, dueMs, status, code, retryAfterS = 0 }: LoadCall): void {
    if (retryAfterS === 0 || dueMs < (this.#pausedUntilMs.get(client) ?? 0)) return;
    const ms = retryAfterS * 1000;
    this.#pausedUntilMs.set(client, this.#elapsedMs() + ms);
    this.#pauses++;
    this.#options.onPause?.({ client, ms, status, code });
  }

  #finishIfOver(): void {
    const sendingMs = this.#sendingMs;
    if (sendingMs === undefined || this.inFlight > 0) return;
    this.#agent.destroy();
    const { budgetMs } = this.#options;
    const figures = this.#tally.figures();
    this.#finish({
      seed: this.#seed,
      clients: this.#clients,
      ...(budgetMs === undefined ? {} : { budgetMs }),
      sendingMs,
      tookMs: this.#elapsedMs(),
      offered: this.#offered,
      sent: this.#sent,
      paused: this.#paused,
      pauses: this.#pauses,
      goodput: {
        perSecond: sendingMs === 0 ? 0 : (figures.inTime * 1000) / sendingMs,
        share: this.#offered === 0 ? 0 : figures.inTime / this.#offered,
      },
      ...figures,
    });
  }
}
