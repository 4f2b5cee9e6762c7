/** Buckets that are not empty: index and count. It can be sent to another process. */
export type Buckets = readonly (readonly [index: number, count: number])[];

const FINEST_MS = 0.001;
const STEP = Math.log(1.01);

/** Times in milliseconds, each to 1 %: what a million calls took in little room, and sums of what several saw. */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #size = 0;

  add(ms: number): void {
    this.#put(ms <= FINEST_MS ? 0 : Math.round(Math.log(ms / FINEST_MS) / STEP), 1);
  }

  /** Adds what another one, perhaps in another process, has seen. */
  addAll(buckets: Buckets): void {
    for (const [index, count] of buckets) this.#put(index, count);
  }

  get size(): number {
    return this.#size;
  }

  get buckets(): Buckets {
    return [...this.#counts];
  }

  /** The nearest-rank percentile (`share` in 0-1); undefined when there is nothing. */
  percentile(share: number): number | undefined {
    let left = Math.max(1, Math.ceil(share * this.#size));
    for (const [index, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return FINEST_MS * Math.exp(index * STEP);
    }
    return undefined;
  }

  #put(index: number, count: number): void {
    this.#counts.set(index, (this.#counts.get(index) ?? 0) + count);
    this.#size += count;
  }
}
