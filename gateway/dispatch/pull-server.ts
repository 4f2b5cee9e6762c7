import type { Bus, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { decodeJson } from '../../protocol/json.ts';
import { pullFromSchema, pullSchema } from '../../protocol/state.ts';
import { GATEWAYS_QUEUE, type Subjects } from '../../protocol/subjects.ts';
import type { DeliveryQueue, GroupDelivery } from './call.ts';
import type { Sender } from './sender.ts';
import { type Taken, type Unserved, WaitQueue, type WaitQueueOptions } from './wait-queue.ts';
import type { WorkerTable } from './worker-table.ts';

/**
 * Serves the pulls of workers from the wait queues.
 *
 * A queue *opens* with its first parked call: the gateway subscribes to its pull subject and publishes its demand to
 * the group's workers, again every 50 ms, but only every 250 ms while pulls keep coming and no slot is free as far
 * as is known: then the workers know. It *closes* when the last one has left: the subscription is drained, since pulls
 * may be on the way, and those are answered `empty`.
 */

/** A worker that asks for a call, and where the call is to be sent. */
export interface PullRequest {
  readonly worker: string;
  readonly reply: string;
}

export interface PullServerOptions {
  readonly gateway: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly sender: Sender;
  readonly table: WorkerTable;
  readonly waitQueue: WaitQueueOptions;
  /** A worker pulls from a queue that has calls. */
  readonly onPull: (queue: GroupQueue, pull: PullRequest) => void;
}

/** The wait queues, by function and group, and the pulls of workers that they are served by. */
export class PullServer {
  readonly #options: PullServerOptions;
  readonly #queues = new Map<string, GroupQueue>();
  #ownPulls: BusSubscription | undefined;

  constructor(options: PullServerOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, subjects, sender, gateway } = this.#options;
    this.#ownPulls = bus.subscribe(subjects.pullFrom(gateway), ({ data, reply }) => {
      const pull = decodeJson(pullFromSchema, data);
      if (pull === undefined || reply === undefined) return;
      const queue = this.find(pull.fn, pull.group);
      if (queue === undefined) sender.empty(reply);
      else queue.serve({ worker: pull.worker, reply });
    });
  }

  stop(): void {
    this.#ownPulls?.unsubscribe();
    for (const queue of this.#queues.values()) queue.close();
    this.#queues.clear();
  }

  /** All queues that exist, empty ones included. */
  all(): IterableIterator<GroupQueue> {
    return this.#queues.values();
  }

  /** The queue of a function and group; undefined while nothing was ever parked for it. */
  find(fn: string, group: string): GroupQueue | undefined {
    return this.#queues.get(key(fn, group));
  }

  /** The queue of a function and group; a new one if there is none. */
  queueOf(fn: string, group: string): GroupQueue {
    let queue = this.find(fn, group);
    if (queue === undefined) {
      queue = new GroupQueue(fn, group, this.#options);
      this.#queues.set(key(fn, group), queue);
    }
    return queue;
  }

  /** Forgets a queue with its memory of a past overload; what is parked in it, oldest first. */
  forget(fn: string, group: string): GroupDelivery[] {
    const queue = this.find(fn, group);
    if (queue === undefined) return [];
    queue.close();
    this.#queues.delete(key(fn, group));
    return [...queue];
  }
}

const DEMAND_EVERY_MS = 50;
/** At least this often also while pulls keep coming: a worker of another make may have sent no state. */
const DEMAND_AT_LEAST_EVERY_MS = 250;
const DEMAND_APART_MS = 5;

/** The wait queue of one function and group, with its demand and its pulls. It opens and closes by itself. */
export class GroupQueue implements DeliveryQueue {
  readonly fn: string;
  readonly group: string;
  readonly #waiting: WaitQueue<GroupDelivery>;
  readonly #options: PullServerOptions;
  #subscription: BusSubscription | undefined;
  #demandedAt = Number.NEGATIVE_INFINITY;
  #pulledAt = Number.NEGATIVE_INFINITY;
  #cancelDemand: (() => void) | undefined;

  constructor(fn: string, group: string, options: PullServerOptions) {
    this.fn = fn;
    this.group = group;
    this.#waiting = new WaitQueue(options.waitQueue);
    this.#options = options;
  }

  /** Parked calls. */
  get size(): number {
    return this.#waiting.size;
  }

  /** From the oldest to the newest. */
  [Symbol.iterator](): Iterator<GroupDelivery> {
    return this.#waiting[Symbol.iterator]();
  }

  /** Parks a delivery; those that can wait no longer by that, which may be itself, are returned and are to be ended. */
  park(delivery: GroupDelivery): Unserved<GroupDelivery> {
    const now = this.#options.clock.now();
    delivery.parkedIn(this, now);
    const added = this.#waiting.add(delivery, now);
    if (this.size === 0) this.close();
    else if (this.#subscription === undefined) this.#open();
    return added;
  }

  /** Takes out the delivery whose turn it is; `neededMs` is what a run needs, 0 when that is not known. */
  take(neededMs: number): Taken<GroupDelivery> {
    const taken = this.#waiting.take(this.#options.clock.now(), neededMs);
    if (this.size === 0) this.close();
    return taken;
  }

  /** See `DeliveryQueue`. */
  leave(delivery: GroupDelivery): void {
    if (this.#waiting.delete(delivery) && this.size === 0) this.close();
  }

  /** See `DeliveryQueue`. */
  expire(delivery: GroupDelivery, now: number): void {
    this.#waiting.giveUp(delivery, now);
    if (this.size === 0) this.close();
  }

  /** A worker pulls. */
  serve(pull: PullRequest): void {
    const { clock, sender, onPull } = this.#options;
    this.#pulledAt = clock.now();
    if (this.size === 0) sender.empty(pull.reply);
    else onPull(this, pull);
  }

  /** Demands nothing any more; pulls that are on the way are still answered. */
  close(): void {
    this.#cancelDemand?.();
    this.#cancelDemand = undefined;
    void this.#subscription?.drain();
    this.#subscription = undefined;
  }

  #open(): void {
    const { bus, clock, subjects } = this.#options;
    this.#subscription = bus.subscribe(
      subjects.pull(this.fn, this.group),
      ({ data, reply }) => {
        const pull = decodeJson(pullSchema, data);
        if (pull !== undefined && reply !== undefined) this.serve({ worker: pull.worker, reply });
      },
      { queue: GATEWAYS_QUEUE },
    );
    // Whoever pulled from it before may have gone idle since.
    this.#pulledAt = Number.NEGATIVE_INFINITY;
    const inMs = this.#demandedAt + DEMAND_APART_MS - clock.now();
    if (inMs <= 0) this.#demand();
    else this.#cancelDemand ??= clock.after(inMs, () => this.#demand());
  }

  #demand(): void {
    const { bus, clock, sender, table } = this.#options;
    this.#cancelDemand = clock.after(DEMAND_EVERY_MS, () => this.#demand());
    if (!bus.connected) return;
    const now = clock.now();
    const free = table.freeSlots(this.fn, this.group, now);
    const workersKnow = free === 0 && now - this.#pulledAt < DEMAND_EVERY_MS;
    if (workersKnow && now - this.#demandedAt < DEMAND_AT_LEAST_EVERY_MS) return;
    this.#demandedAt = now;
    sender.demand(this.fn, this.group, this.size, free);
  }
}

function key(fn: string, group: string): string {
  return `${fn}.${group}`;
}
