import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Inbox, OpenReply } from '../../lib/inbox.ts';
import type { CallError } from '../../protocol/call-error.ts';
import { deadlineExceeded, saturated, withStarted } from '../failures.ts';
import { type Delivery, GroupDelivery, type SharedDelivery } from './call.ts';
import type { CallOutcome } from './contract.ts';
import { maySendAhead, neededMs, placeInGroup, placeOnShared, type SharedPlacement } from './placement.ts';
import type { GroupQueue, PullRequest, PullServer } from './pull-server.ts';
import type { Sender } from './sender.ts';
import type { Unserved } from './wait-queue.ts';
import type { Endpoint } from './worker-entry.ts';
import type { WorkerTable } from './worker-table.ts';

export interface DelivererOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly inbox: Inbox;
  readonly sender: Sender;
  readonly table: WorkerTable;
  readonly pulls: PullServer;
  /** Park calls when every slot is taken; otherwise they are refused at once. */
  readonly isParkingOn: boolean;
  /** A message arrived on the reply subject of a delivery. */
  readonly onReply: (delivery: Delivery, message: BusMessage) => void;
  /** A delivery is closed. */
  readonly onClosed: (delivery: Delivery) => void;
}

/**
 * Does with a delivery what placement decided: sends it, parks it, hands it out, ends it. Each method takes the same
 * steps: decide (placement.ts, wait-queue.ts), change the state (call.ts), send (sender.ts).
 */
export class Deliverer {
  readonly #options: DelivererOptions;

  constructor(options: DelivererOptions) {
    this.#options = options;
  }

  /** Finds a place for deliveries that provably nobody runs. */
  place(...deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.call.isWithdrawn) this.drop(delivery);
      else if (delivery instanceof GroupDelivery) this.#placeInGroup(delivery);
      else this.follow(delivery, placeOnShared(delivery, this.#options.bus.connected, this.#now));
    }
  }

  /** Does what was decided for a delivery to the shared subject. */
  follow(delivery: SharedDelivery, placement: SharedPlacement): void {
    if (placement.do === 'broadcast') this.#broadcast(delivery);
    else if (placement.do === 'fail') this.fail(delivery, placement.error);
    else if (placement.do === 'retry') {
      this.#options.clock.after(placement.afterMs, () => {
        if (delivery.state === 'unplaced') this.#placeAgain(delivery);
      });
    }
  }

  /** Sends the call whose turn it is to a worker that pulls; `empty` when none is left in time. */
  answerPull(from: GroupQueue, { worker, reply: pullReply }: PullRequest): void {
    const { sender, table } = this.#options;
    const endpoint = table.learnPull(worker, from.fn, from.group, this.#now);
    const delivery = this.#take(from);
    if (delivery === undefined) return sender.empty(pullReply);
    const { request } = delivery.call;
    const reply = this.#openReply(delivery);
    delivery.sentTo(endpoint, reply, this.#now);
    this.#failIf(delivery, sender.answerPull(request, pullReply, reply.subject, from.parked.size));
  }

  /** A worker has a slot, or will soon: if it is fast, it gets a parked call without asking. */
  sendAhead(endpoint: Endpoint): void {
    const { bus, pulls } = this.#options;
    const from = pulls.find(endpoint.fn, endpoint.group);
    if (from === undefined || from.parked.size === 0 || !bus.connected) return;
    if (!maySendAhead(endpoint, this.#now)) return;
    const delivery = this.#take(from);
    if (delivery !== undefined) this.#push(delivery, endpoint);
  }

  /** A reply ends a delivery and settles the caller, if it is the first one; whether it was. */
  answer(delivery: Delivery, outcome: CallOutcome): boolean {
    const isFirst = delivery.call.settle(outcome);
    delivery.answered();
    this.#options.onClosed(delivery);
    return isFirst;
  }

  /** A failure that is no reply settles the caller only when no other group can answer any more. */
  fail(delivery: Delivery, error: CallError): void {
    const { call } = delivery;
    delivery.failed(error);
    if (!call.isAwaited) {
      call.settle(call.started === error.started ? error : withStarted(error, call.started));
    }
    this.#options.onClosed(delivery);
  }

  /** Nobody is to get a delivery that nobody runs. */
  drop(delivery: Delivery): void {
    delivery.dropped();
    this.#left(delivery);
  }

  /** The deadline of a delivery has passed. */
  expire(delivery: Delivery): void {
    delivery.expired(this.#now);
    this.#left(delivery);
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  #placeInGroup(delivery: GroupDelivery): void {
    const { bus, pulls, table } = this.#options;
    const { fn } = delivery.call.request;
    const placement = placeInGroup(delivery, {
      endpoints: table.endpoints(fn, delivery.group),
      parked: pulls.find(fn, delivery.group)?.parked.size ?? 0,
      isConnected: bus.connected,
      now: this.#now,
    });
    if (placement.do === 'push') this.#push(delivery, placement.endpoint);
    else if (placement.do === 'park') this.#park(delivery);
  }

  /** A delivery that reached nobody on the shared subject: by now workers may be known. */
  #placeAgain(delivery: SharedDelivery): void {
    const groups = this.#options.table.groups(delivery.call.request.fn);
    if (groups.length === 0) this.place(delivery);
    else this.place(...delivery.call.redeliver(delivery, groups));
  }

  #push(delivery: GroupDelivery, endpoint: Endpoint): void {
    const reply = this.#openReply(delivery);
    delivery.sentTo(endpoint, reply, this.#now);
    const { request } = delivery.call;
    this.#failIf(delivery, this.#options.sender.push(request, endpoint.worker.id, reply.subject));
  }

  #broadcast(delivery: SharedDelivery): void {
    const reply = this.#openReply(delivery);
    delivery.sentTo(reply);
    this.#failIf(delivery, this.#options.sender.broadcast(delivery.call.request, reply.subject));
  }

  #failIf(delivery: Delivery, error: CallError | undefined): void {
    if (error !== undefined) this.fail(delivery, error);
  }

  #openReply(delivery: Delivery): OpenReply {
    const { inbox, onReply } = this.#options;
    return inbox.openReply((message) => onReply(delivery, message));
  }

  #park(delivery: GroupDelivery): void {
    const { pulls, table, isParkingOn } = this.#options;
    const { fn } = delivery.call.request;
    const from = pulls.queueOf(fn, delivery.group);
    if (!isParkingOn) {
      return this.fail(delivery, saturated(table.endpoints(fn, delivery.group), from.parked.size));
    }
    delivery.parkedIn(from.parked, this.#now);
    const added = from.parked.add(delivery, this.#now);
    from.changed();
    this.#endUnserved(from, added);
  }

  /** The call whose turn it is; those that can wait no longer end. */
  #take(from: GroupQueue): GroupDelivery | undefined {
    const { table } = this.#options;
    const taken = from.parked.take(this.#now, neededMs(table.endpoints(from.fn, from.group), this.#now));
    from.changed();
    this.#endUnserved(from, taken);
    return taken.next;
  }

  #endUnserved(
    { fn, group, parked }: GroupQueue,
    { refused, expired, waitMs }: Unserved<GroupDelivery>,
  ): void {
    const { table } = this.#options;
    for (const delivery of expired) this.fail(delivery, deadlineExceeded(delivery.budgetMs, 'no'));
    for (const delivery of refused) {
      this.fail(delivery, saturated(table.endpoints(fn, group), parked.size, waitMs));
    }
  }

  /** A delivery is closed that may have been parked. */
  #left(delivery: Delivery): void {
    const { pulls, onClosed } = this.#options;
    if (delivery instanceof GroupDelivery) {
      pulls.find(delivery.call.request.fn, delivery.group)?.changed();
    }
    onClosed(delivery);
  }
}
