import { DrainRate } from './drain-rate.ts';

/**
 * The queue of calls that wait for a slot of one function and group: its calls are *parked*. It decides and remembers;
 * it is given the time, sends nothing and ends no call. Whatever `add` and `take` take out is returned, with the
 * reason: taken, refused or expired. What leaves for reasons of its own is taken out by `delete`, or by `giveUp` when
 * it was not served in time.
 *
 * Order is adaptive LIFO: oldest first, which is fair, while the queue is healthy; newest first while the oldest
 * has waited for more than 0.6 of its budget or something was refused or expired within the last budget. In overload
 * oldest first would serve everyone just after their deadline; newest first serves those it can in time.
 *
 * Early refusal, so that a no comes while the caller can still use it:
 * - While the queue, at the rate at which slots come free in the present busy period, would outlast 1.5 times what
 *   the newest has left, the oldest is refused. A busy period begins with the first parked call and ends with the
 *   last: pauses between never count.
 * - While the newest goes first, the oldest is refused when half its budget is spent and, at the rate at which the
 *   queue has been getting shorter, its turn would not come in time; in overload the queue does not get shorter.
 * - One whose turn comes with less time left than a run needs is refused: it would be run in vain.
 *
 * Memory: while the bodies take more bytes than allowed, the oldest is refused, early refusal or not.
 */

/** What the queue must know of a call. Times are monotonic milliseconds. */
export interface Parkable {
  /** Arrival at the gateway: keeps its place when a call is parked again. */
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly budgetMs: number;
  readonly bytes: number;
}

/** What a queue allows. */
export interface WaitQueueOptions {
  /** Refuse early what cannot be served in time. Default true. */
  earlyRefusal?: boolean;
  /** Most bytes of bodies in this queue; the oldest are refused beyond. Default: no limit. */
  maxBytes?: number;
}

/** What left the queue unserved, oldest first. */
export interface Unserved<T> {
  /** Without hope to be served in time. */
  readonly refused: readonly T[];
  /** Their deadline has passed. */
  readonly expired: readonly T[];
  /** How long the queue would have taken before, in milliseconds; undefined while unknown. */
  readonly waitMs: number | undefined;
}

/** What `take` took out of the queue. */
export interface Taken<T> extends Unserved<T> {
  /** The call whose turn it is; undefined when none is left in time. */
  readonly next: T | undefined;
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

/** The wait queue of one function and group. */
export class WaitQueue<T extends Parkable> {
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

  constructor({ earlyRefusal = true, maxBytes = Number.POSITIVE_INFINITY }: WaitQueueOptions = {}) {
    this.#earlyRefusal = earlyRefusal;
    this.#maxBytes = maxBytes;
  }

  /** Parked calls. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Bytes of their bodies. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How long the queue would take at the present rate, in milliseconds; undefined while the rate is unknown. */
  get waitMs(): number | undefined {
    return this.#intervals < MIN_INTERVALS ? undefined : this.size * this.#intervalMs;
  }

  /** Parks a call by its arrival; it may be refused itself. */
  add(item: T, now: number): Unserved<T> {
    this.#insert(item);
    this.#drainRate.count(1, now, item.budgetMs * DRAIN_STEP_SHARE_OF_BUDGET);
    return this.#shed(now, [], []);
  }

  /** Takes out the call whose turn it is. `neededMs` is what a run needs, 0 when that is not known. */
  take(now: number, neededMs = 0): Taken<T> {
    const leastMs = this.#earlyRefusal ? neededMs : 0;
    const refused: T[] = [];
    const expired: T[] = [];
    let next: T | undefined;
    while (next === undefined) {
      const item = (this.#isNewestFirst(now) ? this.#newest : this.#oldest)?.item;
      if (item === undefined) break;
      const leftMs = item.deadlineAt - now;
      if (leftMs > leastMs) {
        next = item;
        this.#countTaken(item, now);
        this.delete(item);
      } else {
        (leftMs > 0 ? refused : expired).push(item);
        this.giveUp(item, now);
      }
    }
    return { next, ...this.#shed(now, refused, expired) };
  }

  /** Takes a call out that is not to be served; whether it was in here. */
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

  /** Takes a call out that was not served in time: newest first for the length of its budget. */
  giveUp(item: T, now: number): void {
    this.delete(item);
    this.#newestFirstUntil = Math.max(this.#newestFirstUntil, now + item.budgetMs);
  }

  /** From the oldest to the newest. */
  *[Symbol.iterator](): Iterator<T> {
    for (let node = this.#oldest; node !== undefined; node = node.newer) yield node.item;
  }

  #shed(now: number, refused: T[], expired: T[]): Unserved<T> {
    const { waitMs } = this;
    while (this.#oldest !== undefined && this.#isToBeRefused(this.#oldest.item, now)) {
      const { item } = this.#oldest;
      this.giveUp(item, now);
      (item.deadlineAt > now ? refused : expired).push(item);
    }
    return { refused, expired, waitMs };
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

  #isToBeRefused(oldest: T, now: number): boolean {
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
