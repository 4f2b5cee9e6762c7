import type { Clock } from './clock.ts';

/** Something with a deadline in monotonic milliseconds. */
export interface Expiring {
  readonly deadlineAt: number;
}

/**
 * Expires many items with one timer: items are sorted into buckets of `stepMs`, and a sweep runs only while
 * there are any. An item expires at most `stepMs` plus a timer's lateness after its deadline, never before it.
 */
export class Deadlines<T extends Expiring> {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #onExpired: (item: T) => void;
  readonly #buckets = new Map<number, Set<T>>();
  #size = 0;
  #cancelSweep: (() => void) | undefined;
  #sweptBucket = 0;

  constructor(clock: Clock, onExpired: (item: T) => void, stepMs = 10) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#stepMs = stepMs;
  }

  get size(): number {
    return this.#size;
  }

  /** The item's `deadlineAt` must not change while it is in here. */
  add(item: T): void {
    if (this.#cancelSweep === undefined) {
      this.#sweptBucket = Math.floor(this.#clock.now() / this.#stepMs);
      this.#cancelSweep = this.#clock.every(this.#stepMs, () => this.#sweep());
    }
    const bucket = this.#bucketOf(item);
    const items = this.#buckets.get(bucket);
    if (items === undefined) this.#buckets.set(bucket, new Set([item]));
    else if (items.has(item)) return;
    else items.add(item);
    this.#size++;
  }

  /** Whether it was in here. */
  delete(item: T): boolean {
    for (const bucket of [this.#bucketOf(item), this.#sweptBucket + 1]) {
      const items = this.#buckets.get(bucket);
      if (items?.delete(item)) {
        if (items.size === 0) this.#buckets.delete(bucket);
        this.#size--;
        if (this.#size === 0) this.#stop();
        return true;
      }
    }
    return false;
  }

  /** Forgets everything without expiring it. */
  clear(): void {
    this.#buckets.clear();
    this.#size = 0;
    this.#stop();
  }

  /** A deadline that has passed already lands in the next bucket to be swept. */
  #bucketOf(item: T): number {
    return Math.max(Math.ceil(item.deadlineAt / this.#stepMs), this.#sweptBucket + 1);
  }

  #sweep(): void {
    const current = Math.floor(this.#clock.now() / this.#stepMs);
    // After a long stop of the process the sweep visits the buckets that exist, not every number in between.
    const due =
      current - this.#sweptBucket > this.#buckets.size
        ? [...this.#buckets.keys()].filter((bucket) => bucket <= current).sort((a, b) => a - b)
        : Array.from({ length: current - this.#sweptBucket }, (_, i) => this.#sweptBucket + 1 + i);
    for (const bucket of due) {
      const items = this.#buckets.get(bucket);
      if (items === undefined) continue;
      this.#buckets.delete(bucket);
      this.#size -= items.size;
      for (const item of items) this.#onExpired(item);
    }
    this.#sweptBucket = Math.max(this.#sweptBucket, current);
    if (this.#size === 0) this.#stop();
  }

  #stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }
}
