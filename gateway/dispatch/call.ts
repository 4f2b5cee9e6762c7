import type { Expiring } from '../../lib/deadlines.ts';
import type { OpenReply } from '../../lib/inbox.ts';
import type { CallError } from '../../protocol/call-error.ts';
import type { Started } from '../../protocol/codes.ts';
import type { Caller, CallHandle, CallOutcome, CallRequest } from './contract.ts';
import type { Parkable } from './wait-queue.ts';
import type { Endpoint } from './worker-entry.ts';

/**
 * A call and its deliveries: the state machine of dispatch.
 *
 * Each group of a function is delivered the call at most once; the first result settles the caller. While no worker
 * of the function is known, there is one delivery to whoever listens on the shared subject instead.
 *
 *   GroupDelivery, to one known group
 *
 *     unplaced ─── sentTo ───► sent ─── answered, failed, expired ───► closed
 *      │    ▲                  ▲  │
 *      │    └──── refused ─────┼──┘       busy, draining, nobody there: provably not run
 *      │                       │
 *      └─ parkedIn ─► parked ──┘ sentTo   a slot is free: the call is handed out
 *                       └───── failed, expired, dropped ───► closed
 *
 *   SharedDelivery, to the shared subject
 *
 *     unplaced ─── sentTo ───► sent ─── answered, failed, expired ───► closed
 *           ▲                  │  ▲
 *           └──── unheard ─────┤  │       the broker says that nobody listens
 *                              ▼  │
 *                             passed      a group refused it and no other was seen lately: nobody is waited for, but
 *                                         plain responders that nobody has seen may still run it and answer
 *
 * Every change is a method, named as the event; it throws when the delivery is in a state from which that cannot
 * happen. What a delivery holds (reply subject, slot, place in the queue) it gives back as it changes.
 */

/** A delivery of a call to one group, or to the shared subject. */
export type Delivery = GroupDelivery | SharedDelivery;
type DeliveryState = 'unplaced' | 'parked' | 'sent' | 'passed' | 'closed';

/** Where a delivery can be parked. */
export interface DeliveryQueue {
  /** Takes it out, if it is in there. */
  leave(delivery: GroupDelivery): void;
  /** The same, for one whose deadline has passed. */
  expire(delivery: GroupDelivery, now: number): void;
}

abstract class DeliveryBase {
  readonly call: Call;
  /** How long it was parked, in milliseconds. */
  parkedMs = 0;
  #state: DeliveryState = 'unplaced';
  #reply: OpenReply | undefined;
  #failure: CallError | undefined;

  constructor(call: Call) {
    this.call = call;
  }

  get state(): DeliveryState {
    return this.#state;
  }

  /** Whether the function can have begun by this delivery. */
  get started(): Started {
    if (this.#state === 'sent' || this.#state === 'passed') return 'unknown';
    return this.#failure?.started ?? 'no';
  }

  /** A reply ended it. */
  answered(): void {
    this.move('closed', ['sent', 'passed']);
  }

  /** It ended without a reply of the function; `failure.started` says whether the function can have begun. */
  failed(failure: CallError): void {
    this.move('closed', ['unplaced', 'parked', 'sent', 'passed']);
    this.#failure = failure;
  }

  /** Nobody is to get it any more: its caller left, or other deliveries took its place. */
  dropped(): void {
    this.move('closed', ['unplaced', 'parked', 'passed']);
  }

  /** The only place where the state changes. `reply` stays open as long as the state needs it. */
  protected move(to: DeliveryState, from: readonly DeliveryState[], reply?: OpenReply): void {
    if (!from.includes(this.#state)) throw new Error(`a ${this.#state} delivery cannot become ${to}`);
    this.#state = to;
    if (to === 'passed' || (to === 'sent' && reply === undefined)) return;
    this.#reply?.close();
    this.#reply = reply;
  }
}

/** A delivery to one known group. */
export class GroupDelivery extends DeliveryBase implements Parkable {
  readonly group: string;
  /** Where it was sent and is not answered. */
  #endpoint: Endpoint | undefined;
  #queue: DeliveryQueue | undefined;
  #parkedAt = 0;
  #busyReplies = 0;

  constructor(call: Call, group: string) {
    super(call);
    this.group = group;
  }

  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** How often it was told `busy`. */
  get busyReplies(): number {
    return this.#busyReplies;
  }

  get acceptedAt(): number {
    return this.call.request.acceptedAt;
  }

  get deadlineAt(): number {
    return this.call.request.deadlineAt;
  }

  get budgetMs(): number {
    return this.call.request.budgetMs;
  }

  get bytes(): number {
    return this.call.request.body.byteLength;
  }

  /** It waits for a slot in a queue, which it leaves by itself when anything else becomes of it. */
  parkedIn(queue: DeliveryQueue, now: number): void {
    this.move('parked', ['unplaced']);
    this.#queue = queue;
    this.#parkedAt = now;
  }

  /** It was sent to a worker, by push or as the answer to a pull. */
  sentTo(endpoint: Endpoint, reply: OpenReply, now: number): void {
    if (this.state === 'parked') this.parkedMs += now - this.#parkedAt;
    this.move('sent', ['unplaced', 'parked'], reply);
    this.#endpoint = endpoint;
    endpoint.hold();
  }

  /** Whom it was sent to provably did not run it: it can be placed again. */
  refused(isBusy: boolean): void {
    this.move('unplaced', ['sent']);
    if (isBusy) this.#busyReplies++;
  }

  /** The deadline passed. */
  expired(now: number): void {
    this.#queue?.expire(this, now);
    this.move('closed', ['unplaced', 'parked', 'sent']);
  }

  protected override move(to: DeliveryState, from: readonly DeliveryState[], reply?: OpenReply): void {
    super.move(to, from, reply);
    this.#queue?.leave(this);
    this.#queue = undefined;
    this.#endpoint?.release();
    this.#endpoint = undefined;
  }
}

/** A delivery to whoever listens on the shared subject, because no worker of the function is known. */
export class SharedDelivery extends DeliveryBase {
  #tries = 0;

  /** How often it was sent. */
  get tries(): number {
    return this.#tries;
  }

  /** It was published on the shared subject. */
  sentTo(reply: OpenReply): void {
    this.move('sent', ['unplaced'], reply);
    this.#tries++;
  }

  /** The broker says that nobody listens: it can be placed again. */
  unheard(): void {
    this.move('unplaced', ['sent', 'passed']);
  }

  /** A group refused it, which is delivered to by itself from now on; `isOnlyGroup`: no other one was seen lately. */
  passed(isOnlyGroup: boolean): void {
    this.move(isOnlyGroup ? 'passed' : 'sent', ['sent', 'passed']);
  }

  /** The deadline passed. */
  expired(): void {
    this.move('closed', ['unplaced', 'sent', 'passed']);
  }
}

/** A call and its deliveries, from submission until no delivery is open any more. */
export class Call implements Expiring, CallHandle {
  readonly request: CallRequest;
  readonly #deliveries: Delivery[] = [];
  readonly #caller: Caller;
  readonly #onAbandoned: (call: Call) => void;
  #isSettled = false;
  #isWithdrawn = false;

  /** `onAbandoned` is told when the caller leaves before it has its outcome. */
  constructor(request: CallRequest, caller: Caller, onAbandoned: (call: Call) => void) {
    this.request = request;
    this.#caller = caller;
    this.#onAbandoned = onAbandoned;
  }

  get deadlineAt(): number {
    return this.request.deadlineAt;
  }

  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  /** Its caller has its outcome. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** It is sent to nobody any more: its caller left, or the gateway stops. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  /** The first outcome counts; whether this was it. */
  settle(outcome: CallOutcome): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#caller.settle(outcome);
    return true;
  }

  abandon(): void {
    if (!this.#isSettled) this.#onAbandoned(this);
  }

  /** From now on it is sent to nobody; deliveries that were not sent are to be dropped. */
  withdraw(): void {
    this.#isWithdrawn = true;
  }

  /** Deliveries to these groups, or to the shared subject when there is none. */
  deliverTo(groups: readonly string[]): readonly Delivery[] {
    const deliveries =
      groups.length === 0
        ? [new SharedDelivery(this)]
        : groups.map((group) => new GroupDelivery(this, group));
    this.#deliveries.push(...deliveries);
    return deliveries;
  }

  /** Whether the group has, or had, a delivery of its own. */
  isDeliveredTo(group: string): boolean {
    return this.#deliveries.some((delivery) => delivery instanceof GroupDelivery && delivery.group === group);
  }

  /** Deliveries to these groups take the place of one that provably nobody runs. */
  redeliver(delivery: Delivery, groups: readonly string[]): readonly Delivery[] {
    delivery.dropped();
    this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1);
    return this.deliverTo(groups);
  }

  /** Whether an answer of any group is still waited for. */
  get isAwaited(): boolean {
    return this.#deliveries.some(({ state }) => state !== 'closed' && state !== 'passed');
  }

  /** Whether another group than the delivery's may have begun the call, or may still. */
  mayRunBesides(delivery: Delivery): boolean {
    if (delivery instanceof SharedDelivery) return true;
    return this.#deliveries.some(
      (other) => other !== delivery && (other.state !== 'closed' || other.started !== 'no'),
    );
  }

  /** Whether any group can have begun the call: `no` only if none can. */
  get started(): Started {
    let started: Started = 'no';
    for (const delivery of this.#deliveries) {
      if (delivery.started === 'yes') return 'yes';
      if (delivery.started === 'unknown') started = 'unknown';
    }
    return started;
  }
}
