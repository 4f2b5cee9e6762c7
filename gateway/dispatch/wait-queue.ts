import { DrainRate } from './drain-rate.ts';

/**
 * The queue of calls that wait for a slot of one function and group. A pure structure: it is told the time, it
 * sends nothing, and it does not end calls; whoever takes an item out decides what becomes of it.
 *
 * Order is adaptive LIFO: oldest first, which is fair, while the queue is healthy; newest first while the oldest
 * has waited for more than 0.6 of its budget or something was given up within the last budget. In overload
 * oldest-first would serve everyone just after their deadline; newest-first serves those it can in time.
 *
 * Early refusal, so that a no comes while the caller can still use it:
 * - While the queue, at the rate at which slots come free in the present busy period, would outlast 1.5 times what
 *   the newest has left, the oldest is given up. A busy period begins with the first parked item and ends with the
 *   last: pauses between never count.
 * - While the newest goes first, the oldest is given up when half its budget is spent and, at the rate at which the
 *   queue has been getting shorter, its turn would not come in time; in overload the queue does not get shorter.
 * - One whose turn comes with less time left than a run needs is given up: it would be run in vain.
 */

/** What the queue must know of a call. Times are monotonic milliseconds. */
export interface Parkable {
  /** Arrival at the gateway: keeps its place when a call is parked again. */
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly budgetMs: number;
  readonly bytes: number;
}

export interface ParkingOptions {
  /** Give up early what cannot be served in time. Default true. */
  earlyRefusal?: boolean;
  /** Most bytes of bodies in this queue; the oldest are given up beyond. */
  maxBytes?: number;
}

interface Node<T> {
  readonly item: T;
  older: Node<T> | undefined;
  newer: Node<T> | undefined;
}

const LIFO_FROM_SHARE_OF_BUDGET = 0.6;
const REFUSE_FROM_SHARE_OF_REMAINING = 1.5;
const PASSED_OVER_FROM_SHARE_OF_BUDGET = 0.5;
/** The drain rate looks back over eight of these. */
const DRAIN_STEP_SHARE_OF_BUDGET = 1 / 32;
/** Fewer intervals say nothing about the rate; more than these make the average slow to follow a change. */
const MIN_INTERVALS = 16;
const MAX_INTERVALS = 32;

export class Parking<T extends Parkable> {
  readonly #earlyRefusal: boolean;
  readonly #maxBytes: number;
  readonly #nodes = new Map<T, Node<T>>();
  #oldest: Node<T> | undefined;
  #newest: Node<T> | undefined;
  #bytes = 0;
  #newestFirstUntil = Number.NEGATIVE_INFINITY;
  #lastTakenAt: number | undefined;
  #intervals = 0;
  #intervalMs = 0;
  readonly #drainRate = new DrainRate();
  /** Their turn came too late for a run; `shed` returns them. */
  readonly #tooLate: T[] = [];

  constructor({ earlyRefusal = true, maxBytes = Number.POSITIVE_INFINITY }: ParkingOptions = {}) {
    this.#earlyRefusal = earlyRefusal;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#nodes.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** How long the queue would take at the present rate, in milliseconds; undefined while the rate is unknown. */
  get waitMs(): number | undefined {
    return this.#intervals < MIN_INTERVALS ? undefined : this.size * this.#intervalMs;
  }

  /** Parks an item by its arrival. Whoever calls it, or `take`, calls `shed` next. */
  add(item: T, now: number): void {
    this.#insert(item);
    this.#drainRate.count(1, now, item.budgetMs * DRAIN_STEP_SHARE_OF_BUDGET);
  }

  /** Takes out and returns what has no hope to be served in time, oldest first. */
  shed(now: number): T[] {
    const givenUp = this.#tooLate.splice(0);
    while (this.#oldest !== undefined && this.#isToBeShed(this.#oldest.item, now)) {
      const { item } = this.#oldest;
      this.delete(item);
      this.gaveUp(item, now);
      givenUp.push(item);
    }
    return givenUp;
  }

  /**
   * The item whose turn it is, taken out; undefined when none is left in time. `neededMs` is what a run needs, 0 when
   * that is not known. Expired ones are dropped.
   */
  take(now: number, neededMs = 0): T | undefined {
    const leastMs = this.#earlyRefusal ? neededMs : 0;
    for (;;) {
      const node = this.#isNewestFirst(now) ? this.#newest : this.#oldest;
      if (node === undefined) return undefined;
      const { item } = node;
      const leftMs = item.deadlineAt - now;
      const isInTime = leftMs > leastMs;
      if (isInTime) this.#countTaken(item, now);
      this.delete(item);
      if (isInTime) return item;
      this.gaveUp(item, now);
      if (leftMs > 0) this.#tooLate.push(item);
    }
  }

  /** Takes an item out without serving it; whether it was in here. */
  delete(item: T): boolean {
    const node = this.#nodes.get(item);
    if (node === undefined) return false;
    this.#nodes.delete(item);
    this.#bytes -= item.bytes;
    if (node.older === undefined) this.#oldest = node.newer;
    else node.older.newer = node.newer;
    if (node.newer === undefined) this.#newest = node.older;
    else node.newer.older = node.older;
    if (this.size === 0) this.#endBusyPeriod();
    return true;
  }

  /** An item was given up or expired here: newest first for the length of its budget. */
  gaveUp(item: T, now: number): void {
    this.#newestFirstUntil = Math.max(this.#newestFirstUntil, now + item.budgetMs);
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): Iterator<T> {
    for (let node = this.#oldest; node !== undefined; node = node.newer) yield node.item;
  }

  #insert(item: T): void {
    let older = this.#newest;
    while (older !== undefined && older.item.acceptedAt > item.acceptedAt) older = older.older;
    const newer = older === undefined ? this.#oldest : older.newer;
    const node: Node<T> = { item, older, newer };
    if (older === undefined) this.#oldest = node;
    else older.newer = node;
    if (newer === undefined) this.#newest = node;
    else newer.older = node;
    this.#nodes.set(item, node);
    this.#bytes += item.bytes;
  }

  #isNewestFirst(now: number): boolean {
    if (now < this.#newestFirstUntil) return true;
    const oldest = this.#oldest?.item;
    return oldest !== undefined && now - oldest.acceptedAt > LIFO_FROM_SHARE_OF_BUDGET * oldest.budgetMs;
  }

  #isToBeShed(oldest: T, now: number): boolean {
    if (this.#bytes > this.#maxBytes) return true;
    return this.#earlyRefusal && (this.#isHopeless(now) || this.#isPassedOver(oldest, now));
  }

  #isHopeless(now: number): boolean {
    const newest = this.#newest?.item;
    const { waitMs } = this;
    if (newest === undefined || waitMs === undefined) return false;
    return waitMs > REFUSE_FROM_SHARE_OF_REMAINING * (newest.deadlineAt - now);
  }

  #isPassedOver(oldest: T, now: number): boolean {
    const waitedMs = now - oldest.acceptedAt;
    if (waitedMs < PASSED_OVER_FROM_SHARE_OF_BUDGET * oldest.budgetMs || !this.#isNewestFirst(now))
      return false;
    const drainRate = this.#drainRate.at(now);
    if (drainRate === undefined) return false;
    return drainRate <= 0 || this.size / drainRate > oldest.deadlineAt - now;
  }

  #countTaken(item: T, now: number): void {
    this.#drainRate.count(-1, now, item.budgetMs * DRAIN_STEP_SHARE_OF_BUDGET);
    if (this.#lastTakenAt !== undefined) {
      this.#intervals++;
      this.#intervalMs +=
        (now - this.#lastTakenAt - this.#intervalMs) / Math.min(this.#intervals, MAX_INTERVALS);
    }
    this.#lastTakenAt = now;
  }

  #endBusyPeriod(): void {
    this.#lastTakenAt = undefined;
    this.#intervals = 0;
    this.#intervalMs = 0;
    this.#drainRate.reset();
  }
}
