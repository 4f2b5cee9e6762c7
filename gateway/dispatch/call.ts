import type { Expiring } from '../../lib/deadlines.ts';
import type { OpenReply } from '../../lib/inbox.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { Started } from '../../protocol/codes.ts';
import { withStarted } from '../failures.ts';
import type { Caller, CallHandle, CallOutcome, CallRequest } from './contract.ts';
import { DeliveryBase, type DeliveryState } from './delivery-base.ts';
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
 *     unplaced ── sentTo ───────────────────────────► sent          by push
 *     unplaced ── parkedIn ───► parked ── sentTo ───► sent          as the answer to a pull, or ahead of one
 *     sent ────── notRun ─────► unplaced                            busy, draining, nobody there: provably not run
 *     sent ────── answered ───► closed                              by a reply of the function
 *     unplaced, parked, sent ── failed, expired ────► closed        without one; its deadline
 *     unplaced, parked ──────── dropped ────────────► closed        nobody is to get it
 *
 *   SharedDelivery, to the shared subject
 *
 *     unplaced ── sentTo ────────────────► sent
 *     sent, listening ── foundNobody ────► unplaced                 the broker says that nobody is subscribed
 *     sent, listening ── groupDeclined ──► sent                     a group did not take it, another one was seen lately
 *     sent, listening ── groupDeclined ──► listening                and no other one was: nobody is waited for, but
 *                                                                   responders that nobody has seen may still answer
 *     sent, listening ── answered ───────► closed
 *     any but closed ─── failed, expired ► closed
 *     unplaced, listening ── dropped ────► closed
 *
 * A group that declined on the shared subject gets a GroupDelivery. Every change is a method, named as the event; it
 * throws when the delivery is in a state from which that cannot happen. What a delivery holds (reply subject, slot,
 * place in the queue) it gives back as it changes.
 */

/** A delivery of a call to one group, or to the shared subject. */
export type Delivery = GroupDelivery | SharedDelivery;

/** Where a delivery can be parked. */
export interface DeliveryQueue {
  /** Takes it out, if it is in there. */
  leave(delivery: GroupDelivery): void;
  /** The same, for one whose deadline has passed. */
  expire(delivery: GroupDelivery, now: number): void;
}

/** A delivery to one known group. */
export class GroupDelivery extends DeliveryBase implements Parkable {
  readonly call: Call;
  readonly group: string;
  /** Where it was sent and is not answered. */
  #endpoint: Endpoint | undefined;
  #queue: DeliveryQueue | undefined;
  #parkedAt = 0;
  #busyReplies = 0;

  constructor(call: Call, group: string) {
    super();
    this.call = call;
    this.group = group;
  }

  get endpoint(): Endpoint | undefined {
    return this.#endpoint;
  }

  /** How often a worker answered `busy`. */
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
    this.sentAt = now;
    if (this.state === 'parked') this.parkedMs += now - this.#parkedAt;
    this.move('sent', ['unplaced', 'parked'], reply);
    this.#endpoint = endpoint;
    endpoint.hold();
  }

  /** Whom it was sent to provably did not run it: it can be placed again. */
  notRun(isBusy: boolean): void {
    this.move('unplaced', ['sent']);
    if (isBusy) this.#busyReplies++;
  }

  /** The deadline passed. */
  expired(now: number): void {
    this.#queue?.expire(this, now);
    this.close(this.started, ['unplaced', 'parked', 'sent']);
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
  readonly call: Call;
  #tries = 0;

  constructor(call: Call) {
    super();
    this.call = call;
  }

  /** How often it was sent. */
  get tries(): number {
    return this.#tries;
  }

  /** It was published on the shared subject. */
  sentTo(reply: OpenReply, now: number): void {
    this.sentAt = now;
    this.move('sent', ['unplaced'], reply);
    this.#tries++;
  }

  /** The broker says that nobody listens: it can be placed again. */
  foundNobody(): void {
    this.move('unplaced', ['sent', 'listening']);
  }

  /** A group did not take it and gets a delivery of its own; `isOnlyGroup`: no other one was seen lately. */
  groupDeclined(isOnlyGroup: boolean): void {
    this.move(isOnlyGroup ? 'listening' : 'sent', ['sent', 'listening']);
  }

  /** A reply ended it. Other groups may have begun the call although the one that answered did not. */
  override answered(outcome: CallOutcome): void {
    const isResult = !(outcome instanceof CallError);
    this.close(isResult || outcome.started === 'yes' ? 'yes' : 'unknown', ['sent', 'listening']);
  }

  /** The deadline passed. */
  expired(): void {
    this.close(this.started, ['unplaced', 'sent', 'listening']);
  }
}

/** Stands for the shared subject where groups are named: to whoever listens there. */
export const SHARED = Symbol('shared subject');
/** Who gets a delivery: a group by its name, or whoever listens on the shared subject. */
export type Recipient = string | typeof SHARED;

/** A call and its deliveries, from submission until no delivery is open any more. */
export class Call implements Expiring, CallHandle {
  readonly request: CallRequest;
  readonly #deliveries: Delivery[] = [];
  readonly #caller: Caller;
  readonly #onAbandoned: (call: Call) => void;
  #isSettled = false;
  #isWithdrawn = false;

  /** `onAbandoned` is called when the caller leaves before it has its outcome. */
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

  /** It is sent to nobody any more: its caller left, its deadline passed, or the gateway stops. */
  get isWithdrawn(): boolean {
    return this.#isWithdrawn;
  }

  /**
   * The first outcome counts; whether this was it. A failure reaches the caller with what all deliveries together say
   * about `started`.
   */
  settle(outcome: CallOutcome): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#caller.settle(outcome instanceof CallError ? this.#ofAllDeliveries(outcome) : outcome);
    return true;
  }

  abandon(): void {
    if (!this.#isSettled) this.#onAbandoned(this);
  }

  /** From now on it is sent to nobody; deliveries that were not sent are to be dropped. */
  withdraw(): void {
    this.#isWithdrawn = true;
  }

  /** New deliveries of it. */
  addDeliveries(recipients: readonly Recipient[]): readonly Delivery[] {
    const deliveries = recipients.map((recipient) =>
      recipient === SHARED ? new SharedDelivery(this) : new GroupDelivery(this, recipient),
    );
    this.#deliveries.push(...deliveries);
    return deliveries;
  }

  /** Whether the group has, or had, a delivery of its own. */
  isDeliveredTo(group: string): boolean {
    return this.#deliveries.some((delivery) => delivery instanceof GroupDelivery && delivery.group === group);
  }

  /** New deliveries take the place of one that provably nobody runs. */
  replaceDelivery(delivery: Delivery, recipients: readonly Recipient[]): readonly Delivery[] {
    delivery.dropped();
    this.#deliveries.splice(this.#deliveries.indexOf(delivery), 1);
    return this.addDeliveries(recipients);
  }

  /** Whether an answer of any group is still waited for. */
  get isAwaited(): boolean {
    return this.#deliveries.some(({ state }) => state !== 'closed' && state !== 'listening');
  }

  /** Whether any group can have begun the call, or may yet: `no` only if none can. */
  get started(): Started {
    let started: Started = 'no';
    for (const delivery of this.#deliveries) {
      if (delivery.started === 'yes') return 'yes';
      const mayBeSent = delivery.state !== 'closed' && !this.#isWithdrawn;
      if (mayBeSent || delivery.started === 'unknown') started = 'unknown';
    }
    return started;
  }

  #ofAllDeliveries(failure: CallError): CallError {
    const { started } = this;
    return failure.started === started ? failure : withStarted(failure, started);
  }
}
