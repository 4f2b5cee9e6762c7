import type { Clock } from './clock.ts';

/** Something with a deadline in monotonic milliseconds. */
export interface Expiring {
  readonly deadlineAt: number;
}

/**
 * Expires many items with one timer: items are sorted into buckets of `stepMs`, and a sweep runs only while
 * there are any. An item expires at most `stepMs` plus a timer's lateness after its deadline, never before it.
 * `onExpired` may add and delete items; an item that it deletes does not expire any more.
 */
export class Deadlines<T extends Expiring> {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #onExpired: (item: T) => void;
  readonly #buckets = new Map<number, Set<T>>();
  readonly #bucketOf = new Map<T, number>();
  #cancelSweep: (() => void) | undefined;
  #sweptBucket = 0;

  constructor(clock: Clock, onExpired: (item: T) => void, stepMs = 10) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#stepMs = stepMs;
  }

  get size(): number {
    return this.#bucketOf.size;
  }

  /** All items, in no order. */
  items(): IterableIterator<T> {
    return this.#bucketOf.keys();
  }

  /** Reads the item's `deadlineAt` now, and no more. Does nothing when the item is in here. */
  add(item: T): void {
    if (this.#bucketOf.has(item)) return;
    if (this.#cancelSweep === undefined) {
      this.#sweptBucket = Math.floor(this.#clock.now() / this.#stepMs);
      this.#cancelSweep = this.#clock.every(this.#stepMs, () => this.#sweep());
    }
    // A deadline that has passed lands in the next bucket to be swept.
    const bucket = Math.max(Math.ceil(item.deadlineAt / this.#stepMs), this.#sweptBucket + 1);
    const items = this.#buckets.get(bucket);
    if (items === undefined) this.#buckets.set(bucket, new Set([item]));
    else items.add(item);
    this.#bucketOf.set(item, bucket);
  }

  /** Whether it was in here. */
  delete(item: T): boolean {
    const bucket = this.#bucketOf.get(item);
    if (bucket === undefined) return false;
    this.#bucketOf.delete(item);
    const items = this.#buckets.get(bucket);
    items?.delete(item);
    if (items?.size === 0) this.#buckets.delete(bucket);
    if (this.#bucketOf.size === 0) this.#stop();
    return true;
  }

  /** Forgets everything without expiring it. */
  clear(): void {
    this.#buckets.clear();
    this.#bucketOf.clear();
    this.#stop();
  }

  #sweep(): void {
    const current = Math.floor(this.#clock.now() / this.#stepMs);
    const due = this.#dueBuckets(current);
    // First, so that what `onExpired` adds lands in a bucket that is yet to be swept.
    this.#sweptBucket = Math.max(this.#sweptBucket, current);
    const failures: unknown[] = [];
    for (const items of due) {
      for (const item of items) {
        if (!this.delete(item)) continue;
        try {
          this.#onExpired(item);
        } catch (error) {
          failures.push(error);
        }
      }
    }
    // The others have expired in spite of it.
    if (failures.length > 0) throw failures[0];
  }

  /** After a long stop of the process it visits the buckets that exist, not every number in between. */
  #dueBuckets(current: number): Set<T>[] {
    const passed = current - this.#sweptBucket;
    const numbers =
      passed > this.#buckets.size
        ? [...this.#buckets.keys()].filter((bucket) => bucket <= current).sort((a, b) => a - b)
        : Array.from({ length: Math.max(passed, 0) }, (_, index) => this.#sweptBucket + 1 + index);
    return numbers.flatMap((bucket) => this.#buckets.get(bucket) ?? []);
  }

  #stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }
}
