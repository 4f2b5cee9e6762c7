import { Agent } from 'node:http';
import { answerLimitMs, Load, type LoadPause, type LoadPlan } from '../../load/load.ts';
import { post } from '../../load/post.ts';
import { CALL_HEADER, SIZE_HEADER } from '../harness/call-headers.ts';
import { sharedNow } from '../harness/clock.mjs';
import { type SeenCall, sizeOf } from './calls.ts';

/** How the callers of one variant call. */
export interface TrafficOptions {
  readonly budgetMs: number;
  /** The body of every call; `{"user_id": n}` by default. */
  readonly body?: string;
  /** Its abort ends all calls at once. */
  readonly signal: AbortSignal;
}

/** What differs from load to load. */
export type LoadSpec = Pick<LoadPlan, 'urls' | 'arrivals' | 'durationMs' | 'clients' | 'isPolite' | 'seed'>;

/** Calls that were sent at once. */
export interface Burst {
  readonly numbers: readonly number[];
  /** Resolves when all are over. */
  readonly done: Promise<SeenCall[]>;
}

/** Numbers of calls of one load or burst begin at a multiple of this. */
const NUMBERS_EACH = 100_000;
const USERS = 1000;
/** So that a run can be repeated: the same calls at the same times, in every variant. */
const SEED = 2025;

/**
 * All callers of one variant: loads and bursts. It keeps every call, with a number that no other call has, which
 * reaches the worker in a header.
 */
export class Traffic {
  readonly calls: SeenCall[] = [];
  readonly pauses: (LoadPause & { readonly at: number })[] = [];
  readonly #options: TrafficOptions;
  readonly #agent = new Agent({ keepAlive: true, noDelay: true });
  readonly #parts: { abort(): void }[] = [];
  #offered = 0;
  #batches = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.abort(), { once: true });
  }

  /** Calls that were sent so far. */
  get offered(): number {
    return this.#offered;
  }

  /** Starts a load; `done` of what it returns resolves when its last call is over. */
  start(pace: LoadSpec): Load {
    const { budgetMs } = this.#options;
    const first = this.#batches++ * NUMBERS_EACH;
    let startedAt = 0;
    const load = new Load({
      seed: SEED,
      ...pace,
      budgetMs,
      headers: (n) => {
        this.#offered++;
        return headersOf(first + n);
      },
      body: (n) => ({ data: this.#body(n), contentType: 'application/json' }),
      onCall: ({ n, dueMs, ...call }) => this.calls.push({ ...call, n: first + n, dueAt: startedAt + dueMs }),
      onPause: (pause) => this.pauses.push({ ...pause, at: sharedNow() }),
    });
    this.#parts.push(load);
    startedAt = sharedNow();
    load.start();
    return load;
  }

  /** Sends so many calls at once. */
  burst(url: string, count: number): Burst {
    const first = this.#batches++ * NUMBERS_EACH;
    const numbers = Array.from({ length: count }, (_, index) => first + index);
    const done = Promise.all(numbers.map((n) => this.#call(url, n))).then((calls) => {
      this.calls.push(...calls);
      return calls;
    });
    return { numbers, done };
  }

  /** Ends all calls under way. */
  abort(): void {
    for (const part of this.#parts) part.abort();
    this.#agent.destroy();
  }

  #call(url: string, n: number): Promise<SeenCall> {
    const { budgetMs } = this.#options;
    const dueAt = sharedNow();
    this.#offered++;
    return new Promise((resolve) => {
      const abort = post(
        new URL(url),
        {
          agent: this.#agent,
          headers: {
            'Content-Type': 'application/json',
            'Request-Timeout': String(budgetMs / 1000),
            ...headersOf(n),
          },
          body: this.#body(n),
          limitMs: answerLimitMs(budgetMs),
        },
        (answer) => resolve({ ...answer, n, url, dueAt, lateMs: 0, tookMs: sharedNow() - dueAt }),
      );
      this.#parts.push({ abort });
    });
  }

  #body(n: number): string {
    return this.#options.body ?? JSON.stringify({ user_id: n % USERS });
  }
}

function headersOf(n: number): Record<string, string> {
  return { [CALL_HEADER]: String(n), [SIZE_HEADER]: String(sizeOf(n)) };
}
