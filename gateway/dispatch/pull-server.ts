import { type Bus, type BusMessage, type BusSubscription, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { decodeJson, encodeJson } from '../../protocol/json.ts';
import { signalHeaders } from '../../protocol/reply.ts';
import { type Demand, pullFromSchema, pullSchema } from '../../protocol/state.ts';
import { GATEWAYS_QUEUE, type Subjects } from '../../protocol/subjects.ts';
import { type Parkable, Parking, type ParkingOptions } from './wait-queue.ts';

/**
 * Hands parked calls out to workers that pull.
 *
 * A lot is the queue of one function and group. With the first call parked it *opens*: the gateway subscribes to
 * its pull subject and tells the group's workers of its demand, again every 50 ms, but only every 250 ms while pulls
 * keep coming and no slot is believed free: then the workers know. With the last one taken it *closes*: the
 * subscription is drained, since pulls may be on the way, and those are answered `empty`.
 */
export interface Lot<T extends Parkable> {
  readonly fn: string;
  readonly group: string;
  readonly parking: Parking<T>;
}

export interface HandoutOptions<T extends Parkable> {
  gateway: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  parking: ParkingOptions;
  /** Free slots that the gateway believes in: lets a large group answer demand in part. */
  freeSlots: (fn: string, group: string) => number;
  /** What a run needs, in milliseconds: calls with less left are given up when their turn comes; 0 = not known. */
  neededMs: (fn: string, group: string) => number;
  /** These have no hope to be served in time; `waitMs` is how long the queue would take, if that is known. */
  onGivenUp: (items: T[], waitMs: number | undefined) => void;
  /** Sends `item` to the worker that pulled, as the answer to its pull. `parked` is how many more there are. */
  onPull: (item: T, pull: { worker: string; reply: string; parked: number }) => void;
}

const DEMAND_EVERY_MS = 50;
/** At least this often also while pulls keep coming: a worker of another make may have told no state. */
const DEMAND_AT_LEAST_EVERY_MS = 250;
const DEMAND_APART_MS = 5;

interface OpenLot<T extends Parkable> extends Lot<T> {
  subscription: BusSubscription | undefined;
  demandedAt: number;
  pulledAt: number;
  cancelDemand: (() => void) | undefined;
}

export class Handout<T extends Parkable> {
  readonly #options: HandoutOptions<T>;
  readonly #lots = new Map<string, OpenLot<T>>();
  #ownPulls: BusSubscription | undefined;

  constructor(options: HandoutOptions<T>) {
    this.#options = options;
  }

  start(): void {
    const { bus, subjects, gateway } = this.#options;
    this.#ownPulls = bus.subscribe(subjects.pullFrom(gateway), (message) => {
      const pull = decodeJson(pullFromSchema, message.data);
      if (pull !== undefined) this.#answer(this.#lots.get(key(pull.fn, pull.group)), pull.worker, message);
    });
  }

  stop(): void {
    this.#ownPulls?.unsubscribe();
    for (const lot of this.#lots.values()) this.#close(lot);
    this.#lots.clear();
  }

  /** All lots that exist, empty ones included. */
  lots(): IterableIterator<Lot<T>> {
    return this.#lots.values();
  }

  /** How many calls are parked for a function and group. */
  parked(fn: string, group: string): number {
    return this.#lots.get(key(fn, group))?.parking.size ?? 0;
  }

  /** Parks an item; it may be given up at once. */
  park(fn: string, group: string, item: T): void {
    const lot = this.#lotOf(fn, group);
    lot.parking.add(item, this.#options.clock.now());
    this.#open(lot);
    this.#shed(lot);
  }

  /** The item whose turn it is, for a worker that did not ask; undefined when none is parked in time. */
  take(fn: string, group: string): T | undefined {
    const lot = this.#lots.get(key(fn, group));
    return lot === undefined ? undefined : this.#takeFrom(lot);
  }

  /** Takes an item out without handing it out. */
  unpark(fn: string, group: string, item: T, reason: 'expired' | 'left'): void {
    const lot = this.#lots.get(key(fn, group));
    if (lot === undefined) return;
    if (reason === 'expired') lot.parking.gaveUp(item, this.#options.clock.now());
    if (lot.parking.delete(item) && lot.parking.size === 0) this.#close(lot);
  }

  /** Takes everything out of a lot, oldest first, and forgets it with its memory of a past overload. */
  clear(fn: string, group: string): T[] {
    const lot = this.#lots.get(key(fn, group));
    if (lot === undefined) return [];
    const items = [...lot.parking];
    for (const item of items) lot.parking.delete(item);
    this.#close(lot);
    this.#lots.delete(key(fn, group));
    return items;
  }

  #lotOf(fn: string, group: string): OpenLot<T> {
    const name = key(fn, group);
    let lot = this.#lots.get(name);
    if (lot === undefined) {
      const parking = new Parking<T>(this.#options.parking);
      lot = {
        fn,
        group,
        parking,
        subscription: undefined,
        demandedAt: Number.NEGATIVE_INFINITY,
        pulledAt: Number.NEGATIVE_INFINITY,
        cancelDemand: undefined,
      };
      this.#lots.set(name, lot);
    }
    return lot;
  }

  #open(lot: OpenLot<T>): void {
    if (lot.subscription !== undefined) return;
    const { bus, clock, subjects } = this.#options;
    lot.subscription = bus.subscribe(
      subjects.pull(lot.fn, lot.group),
      (message) => {
        const pull = decodeJson(pullSchema, message.data);
        if (pull !== undefined) this.#answer(lot, pull.worker, message);
      },
      { queue: GATEWAYS_QUEUE },
    );
    // Whoever pulled from it before may have gone idle since.
    lot.pulledAt = Number.NEGATIVE_INFINITY;
    const inMs = lot.demandedAt + DEMAND_APART_MS - clock.now();
    if (inMs <= 0) this.#demand(lot);
    else lot.cancelDemand ??= clock.after(inMs, () => this.#demand(lot));
  }

  #close(lot: OpenLot<T>): void {
    lot.cancelDemand?.();
    lot.cancelDemand = undefined;
    void lot.subscription?.drain();
    lot.subscription = undefined;
  }

  #demand(lot: OpenLot<T>): void {
    const { bus, clock, subjects, gateway, freeSlots } = this.#options;
    lot.cancelDemand = clock.after(DEMAND_EVERY_MS, () => this.#demand(lot));
    const now = clock.now();
    const free = freeSlots(lot.fn, lot.group);
    if (!bus.connected) return;
    const isKnown = free === 0 && now - lot.pulledAt < DEMAND_EVERY_MS;
    if (isKnown && now - lot.demandedAt < DEMAND_AT_LEAST_EVERY_MS) return;
    lot.demandedAt = now;
    const demand: Demand = { gateway, parked: lot.parking.size, at: clock.wall(), free };
    bus.publish(subjects.demand(lot.fn, lot.group), encodeJson(demand));
  }

  #takeFrom(lot: OpenLot<T>): T | undefined {
    const { clock, neededMs } = this.#options;
    const item = lot.parking.take(clock.now(), neededMs(lot.fn, lot.group));
    this.#shed(lot);
    return item;
  }

  #shed(lot: OpenLot<T>): void {
    const { waitMs } = lot.parking;
    const givenUp = lot.parking.shed(this.#options.clock.now());
    if (lot.parking.size === 0) this.#close(lot);
    if (givenUp.length > 0) this.#options.onGivenUp(givenUp, waitMs);
  }

  #answer(lot: OpenLot<T> | undefined, worker: string, message: BusMessage): void {
    if (message.reply === undefined) return;
    const { bus, clock, onPull } = this.#options;
    if (lot !== undefined) lot.pulledAt = clock.now();
    const item = lot === undefined ? undefined : this.#takeFrom(lot);
    if (lot === undefined || item === undefined) {
      bus.publish(message.reply, NO_DATA, { headers: signalHeaders('empty') });
    } else {
      onPull(item, { worker, reply: message.reply, parked: lot.parking.size });
    }
  }
}

function key(fn: string, group: string): string {
  return `${fn}.${group}`;
}
