import { type Random, randomStream } from '../lib/random-stream.ts';

/**
 * When calls are due. `poisson`: so many a second of all clients together, at random moments that do not depend on
 * each other. `uniform`: between two calls of one client pass 0 to `maxMs`, each as likely.
 */
export type Arrivals =
  | { readonly kind: 'poisson'; readonly perSecond: number }
  | { readonly kind: 'uniform'; readonly maxMs: number };

/** A call that is due. */
export interface DueCall {
  /** 1 is the first client. */
  readonly client: number;
  /** Milliseconds since the load began. */
  readonly dueMs: number;
}

/** The calls of all clients in the order in which they are due, without end. The same seed gives the same ones. */
export class Schedule {
  readonly #arrivals: Arrivals;
  /** One for each client, so that what one of them draws does not change another. */
  readonly #randoms: readonly Random[];
  readonly #dueMs: number[];
  #first: number;

  /** Throws a RangeError when calls would never or always be due. */
  constructor(arrivals: Arrivals, clients: number, seed: number) {
    const pace = arrivals.kind === 'poisson' ? arrivals.perSecond : arrivals.maxMs;
    if (!(pace > 0 && pace < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${arrivals.kind} arrivals need a finite number above 0, got ${pace}`);
    }
    this.#arrivals = arrivals;
    this.#randoms = Array.from({ length: clients }, (_, i) => randomStream(seed, `client ${i + 1}`));
    this.#dueMs = this.#randoms.map((random) => this.#gapMs(random));
    this.#first = this.#earliest();
  }

  /** The next call, which stays the next until it is taken. */
  get next(): DueCall {
    return { client: this.#first + 1, dueMs: this.#dueMs[this.#first] ?? Number.POSITIVE_INFINITY };
  }

  /** Takes the next call. */
  take(): DueCall {
    const taken = this.next;
    const random = this.#randoms[this.#first];
    if (random !== undefined) this.#dueMs[this.#first] = taken.dueMs + this.#gapMs(random);
    this.#first = this.#earliest();
    return taken;
  }

  #gapMs(random: Random): number {
    const arrivals = this.#arrivals;
    if (arrivals.kind === 'uniform') return arrivals.maxMs * random();
    const meanMs = (1000 * this.#randoms.length) / arrivals.perSecond;
    return exponential(meanMs, random());
  }

  #earliest(): number {
    let first = 0;
    for (let i = 1; i < this.#dueMs.length; i++) {
      if ((this.#dueMs[i] ?? 0) < (this.#dueMs[first] ?? 0)) first = i;
    }
    return first;
  }
}

/** The exponential variate that belongs to the uniform number `u` in [0, 1): the gaps of Poisson arrivals. */
export function exponential(mean: number, u: number): number {
  return -mean * Math.log(1 - u);
}
