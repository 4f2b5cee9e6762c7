import type { Clock } from './clock.ts';

/** Something with a deadline in monotonic milliseconds. It is in at most one `Deadlines` at a time. */
export interface Expiring {
  readonly deadlineAt: number;
  /** Where it is in its `Deadlines`, which alone sets it. */
  deadlineEntry?: DeadlineEntry<Expiring> | undefined;
}

/** A link in the ring of a bucket; the head of the ring has no item. */
class DeadlineEntry<T> {
  readonly owner: object;
  readonly item: T | undefined;
  previous: DeadlineEntry<T> = this;
  next: DeadlineEntry<T> = this;

  constructor(owner: object, item: T | undefined) {
    this.owner = owner;
    this.item = item;
  }
}

/** Sweeps without any item after which the timer stops: one call after another must not start and stop it. */
const IDLE_SWEEPS = 50;

/**
 * Expires many items with one timer: a timer wheel of buckets of `stepMs`, whose items are linked in rings, so that to
 * add and to delete one touches no map of items (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987).
 * An item expires at most `stepMs` plus a timer's lateness after its deadline, never before it. `onExpired` may add
 * and delete items; an item that it deletes does not expire any more. test/lib/deadlines.test.ts holds it against a
 * sorted list.
 */
export class Deadlines<T extends Expiring> {
  readonly #clock: Clock;
  readonly #stepMs: number;
  readonly #onExpired: (item: T) => void;
  /** By number of the step: the head of a ring, which holds no item itself. */
  readonly #buckets = new Map<number, DeadlineEntry<T>>();
  #size = 0;
  #cancelSweep: (() => void) | undefined;
  #sweptBucket = 0;
  #idleSweeps = 0;

  constructor(clock: Clock, onExpired: (item: T) => void, stepMs = 10) {
    this.#clock = clock;
    this.#onExpired = onExpired;
    this.#stepMs = stepMs;
  }

  get size(): number {
    return this.#size;
  }

  /** All items, in no order. */
  items(): T[] {
    return [...this.#buckets.values()].flatMap(itemsOf);
  }

  /** Reads the item's `deadlineAt` now, and no more. Does nothing when the item is in here. */
  add(item: T): void {
    if (item.deadlineEntry !== undefined) return;
    if (this.#cancelSweep === undefined) {
      this.#sweptBucket = Math.floor(this.#clock.now() / this.#stepMs);
      this.#cancelSweep = this.#clock.every(this.#stepMs, () => this.#sweep());
    }
    // A deadline that has passed lands in the next bucket to be swept.
    const bucket = Math.max(Math.ceil(item.deadlineAt / this.#stepMs), this.#sweptBucket + 1);
    let head = this.#buckets.get(bucket);
    if (head === undefined) {
      head = new DeadlineEntry<T>(this, undefined);
      this.#buckets.set(bucket, head);
    }
    const entry = new DeadlineEntry(this, item);
    entry.previous = head.previous;
    entry.next = head;
    head.previous.next = entry;
    head.previous = entry;
    item.deadlineEntry = entry;
    this.#size++;
  }

  /** Whether it was in here. */
  delete(item: T): boolean {
    const entry = item.deadlineEntry;
    if (entry === undefined || entry.owner !== this) return false;
    entry.previous.next = entry.next;
    entry.next.previous = entry.previous;
    item.deadlineEntry = undefined;
    this.#size--;
    return true;
  }

  /** Forgets everything without expiring it, and stops the timer. */
  clear(): void {
    for (const item of this.items()) this.delete(item);
    this.#stop();
  }

  #sweep(): void {
    const current = Math.floor(this.#clock.now() / this.#stepMs);
    const due = this.#takeDue(current);
    // First, so that what `onExpired` adds lands in a bucket that is yet to be swept.
    this.#sweptBucket = Math.max(this.#sweptBucket, current);
    this.#idleSweeps = this.#size === 0 ? this.#idleSweeps + 1 : 0;
    if (this.#idleSweeps > IDLE_SWEEPS) this.#stop();
    const failures: unknown[] = [];
    for (const head of due) {
      for (const item of itemsOf(head)) {
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
  #takeDue(current: number): DeadlineEntry<T>[] {
    const due: DeadlineEntry<T>[] = [];
    const take = (bucket: number): void => {
      const head = this.#buckets.get(bucket);
      if (head === undefined) return;
      this.#buckets.delete(bucket);
      due.push(head);
    };
    if (current - this.#sweptBucket > this.#buckets.size) {
      const passed = [...this.#buckets.keys()].filter((bucket) => bucket <= current);
      for (const bucket of passed.sort((a, b) => a - b)) take(bucket);
    } else {
      for (let bucket = this.#sweptBucket + 1; bucket <= current; bucket++) take(bucket);
    }
    return due;
  }

  #stop(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#idleSweeps = 0;
    this.#buckets.clear();
  }
}

function itemsOf<T>(head: DeadlineEntry<T>): T[] {
  const items: T[] = [];
  for (let { next } = head; next.item !== undefined; next = next.next) items.push(next.item);
  return items;
}
