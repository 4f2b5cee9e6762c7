import { type Bus, type BusSubscription, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { randomToken } from '../../lib/random-token.ts';
import { probeHeaders } from '../../protocol/call.ts';
import { decodeJson, encodeJson } from '../../protocol/json.ts';
import { stateSchema } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { type Belief, UNHEARD_MS, type WorkerView } from './worker-table.ts';

/**
 * Keeps the table of workers true: listens to their state, says hello so that they tell it, and probes those
 * that fell silent.
 *
 * A probe is a call whose budget is spent, sent to the worker's private subject: whoever lives answers `expired`
 * by the headers alone. *No responders* proves that the worker is gone: what it held is lost. An answer makes it
 * heard. *Silence* means that it is frozen: it gets nothing more until it is heard again, its calls run to their
 * deadline, and it is probed again as long as it stays silent.
 */
export interface WatchOptions<H> {
  gateway: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  inbox: Inbox;
  belief: Belief<H>;
  /** A worker is gone; `held` is what it had not answered. */
  onLost: (held: H[]) => void;
  /** The last worker of a group left the table. */
  onGroupGone: (fn: string, group: string) => void;
}

const TICK_MS = 100;
const HOLDER_UNHEARD_MS = 750;
const PROBE_EVERY_MS = 750;
/** A frozen worker is asked now and then only, to learn when it is gone. */
const FROZEN_PROBE_EVERY_MS = 5000;
const PROBE_ANSWER_MS = 500;
/** "Seen lately": the time in which a restarted function may be back. */
const SEEN_MS = 10_000;
/** A connection needs this long until absence of interest is certain. */
const SETTLED_MS = 1000;

export class Watch<H> {
  readonly #options: WatchOptions<H>;
  /** By function and group: monotonic milliseconds. */
  readonly #seenAt = new Map<string, Map<string, number>>();
  #states: BusSubscription | undefined;
  #stopTicking: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  #connectedAt = Number.POSITIVE_INFINITY;

  constructor(options: WatchOptions<H>) {
    this.#options = options;
  }

  start(): void {
    const { bus, clock, subjects } = this.#options;
    const prefix = subjects.state('').length;
    this.#states = bus.subscribe(subjects.state('*'), (message) => {
      const state = decodeJson(stateSchema, message.data);
      if (state === undefined) return;
      const id = message.subject.slice(prefix);
      for (const [fn, { group }] of Object.entries(state.functions)) this.seen(fn, group);
      if (state.bye === true) this.#forget(id);
      else this.#options.belief.learn(id, state, clock.now());
    });
    this.#stopListening = bus.onConnection((connected) => this.#onConnection(connected));
    if (bus.connected) this.#onConnection(true);
    this.#stopTicking = clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#stopTicking?.();
    this.#stopListening?.();
    this.#states?.unsubscribe();
  }

  /** A group of a function was there just now; the empty name stands for plain responders. */
  seen(fn: string, group: string): void {
    const groups = this.#seenAt.get(fn) ?? new Map<string, number>();
    this.#seenAt.set(fn, groups.set(group, this.#options.clock.now()));
  }

  /** Whether "no responders" is certain at the first word: one server, known for a second, function not seen lately. */
  isSurelyUnserved(fn: string): boolean {
    const { bus, clock } = this.#options;
    const isSettled = clock.now() - this.#connectedAt > SETTLED_MS;
    return !bus.clustered && isSettled && !this.#seenAt.has(fn);
  }

  /** Whether no other group of the function can have got what was sent to the shared subject: none was seen lately. */
  isOnlyGroup(fn: string, group: string): boolean {
    if (this.#options.clock.now() - this.#connectedAt <= SETTLED_MS) return false;
    for (const seen of this.#seenAt.get(fn)?.keys() ?? []) if (seen !== group) return false;
    return true;
  }

  #onConnection(connected: boolean): void {
    const { bus, clock, subjects, gateway } = this.#options;
    if (!connected) {
      this.#connectedAt = Number.POSITIVE_INFINITY;
      return;
    }
    this.#connectedAt = clock.now();
    bus.publish(subjects.hello(), encodeJson({ gateway, at: clock.wall() }));
  }

  #tick(): void {
    const { bus, belief, clock } = this.#options;
    const now = clock.now();
    this.#forgetUnseen(now);
    // Silence says nothing about the workers while it is the gateway that cannot hear.
    if (!bus.connected || now - this.#connectedAt < SETTLED_MS) return;
    for (const worker of belief.workers()) {
      const unheardMs = now - worker.heardAt;
      const limitMs = holds(worker) ? HOLDER_UNHEARD_MS : UNHEARD_MS;
      const everyMs = worker.isFrozen ? FROZEN_PROBE_EVERY_MS : PROBE_EVERY_MS;
      if (unheardMs > limitMs && now - worker.probedAt > everyMs) this.#probe(worker, now);
    }
  }

  #forgetUnseen(now: number): void {
    for (const [fn, groups] of this.#seenAt) {
      for (const [group, at] of groups) if (now - at > SEEN_MS) groups.delete(group);
      if (groups.size === 0) this.#seenAt.delete(fn);
    }
  }

  #probe(worker: WorkerView<H>, now: number): void {
    const { bus, clock, subjects, inbox, gateway } = this.#options;
    const [fn] = worker.seats.keys();
    if (fn === undefined) return this.#forget(worker.id);
    worker.probedAt = now;
    const reply = inbox.open((message) => {
      stop();
      if (message.noResponders) this.#gone(worker);
      else {
        worker.heardAt = clock.now();
        worker.isFrozen = false;
      }
    });
    const cancelTimer = clock.after(PROBE_ANSWER_MS, () => {
      stop();
      worker.isFrozen = true;
    });
    const stop = (): void => {
      cancelTimer();
      inbox.close(reply);
    };
    const headers = probeHeaders(randomToken(), gateway, clock.wall());
    bus.publish(subjects.work(worker.id, fn), NO_DATA, { reply, headers });
  }

  #gone(worker: WorkerView<H>): void {
    const held = [...worker.seats.values()].flatMap((seat) => [...seat.held]);
    this.#forget(worker.id);
    this.#options.onLost(held);
  }

  #forget(id: string): void {
    const { belief, onGroupGone } = this.#options;
    const seats = belief.forget(id);
    for (const { fn, group } of seats) {
      if (belief.seats(fn, group).size === 0) onGroupGone(fn, group);
    }
  }
}

function holds<H>(worker: WorkerView<H>): boolean {
  for (const seat of worker.seats.values()) if (seat.held.size > 0) return true;
  return false;
}
