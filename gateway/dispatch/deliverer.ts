import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Inbox, OpenReply } from '../../lib/inbox.ts';
import type { CallError } from '../../protocol/call-error.ts';
import { deadlineExceeded, saturated } from '../failures.ts';
import { type Delivery, GroupDelivery, SHARED, type SharedDelivery } from './call.ts';
import type { CallOutcome } from './contract.ts';
import {
  groupsFor,
  maySendAhead,
  neededMs,
  placeInGroup,
  placeOnShared,
  type SharedPlacement,
} from './placement.ts';
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
  readonly queues: PullServer;
  /** Park calls when every slot is taken; otherwise they are refused at once. */
  readonly isParkingOn: boolean;
  /** A message arrived on the reply subject of a delivery. */
  readonly onReply: (delivery: Delivery, message: BusMessage) => void;
  /** A delivery is closed. */
  readonly onClosed: (delivery: Delivery) => void;
}

/**
 * Does with a delivery what placement decided: sends it, parks it, ends it. Each method takes the same
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
      if (delivery instanceof GroupDelivery) this.#placeInGroup(delivery);
      else this.carryOut(delivery, placeOnShared(delivery, this.#options.bus.connected, this.#now));
    }
  }

  /** Does what was decided for a delivery to the shared subject. */
  carryOut(delivery: SharedDelivery, placement: SharedPlacement): void {
    if (placement.do === 'broadcast') this.#broadcast(delivery);
    else if (placement.do === 'fail') this.fail(delivery, placement.error);
    else if (placement.do === 'drop') this.drop(delivery);
    else if (placement.do === 'retry') {
      this.#options.clock.after(placement.afterMs, () => {
        if (delivery.state === 'unplaced') this.#placeAgain(delivery);
      });
    }
  }

  /** Sends the call whose turn it is to a worker that pulls; `empty` when none is left in time. */
  answerPull(queue: GroupQueue, { worker, reply: pullReply }: PullRequest): void {
    const { sender, table } = this.#options;
    const endpoint = table.learnPull(worker, queue.fn, queue.group, this.#now);
    const delivery = this.#take(queue);
    if (delivery === undefined) return sender.empty(pullReply);
    const { request } = delivery.call;
    const reply = this.#openReply(delivery);
    delivery.sentTo(endpoint, reply, this.#now);
    this.#failIf(delivery, sender.answerPull(request, pullReply, reply.subject, queue.size));
  }

  /** A worker has a slot, or will soon: if it is fast, it gets a parked call without asking. */
  sendAhead(endpoint: Endpoint): void {
    const { bus, queues } = this.#options;
    const queue = queues.find(endpoint.fn, endpoint.group);
    if (queue === undefined || queue.size === 0 || !bus.connected) return;
    if (!maySendAhead(endpoint, this.#now)) return;
    const delivery = this.#take(queue);
    if (delivery !== undefined) this.#push(delivery, endpoint);
  }

  /** A reply ends a delivery and settles the caller, if it is the first one; whether it was. */
  answer(delivery: Delivery, outcome: CallOutcome): boolean {
    delivery.answered(outcome);
    const isFirst = delivery.call.settle(outcome);
    this.#options.onClosed(delivery);
    return isFirst;
  }

  /** A failure that is no reply settles the caller only when no other group can answer any more. */
  fail(delivery: Delivery, error: CallError): void {
    const { call } = delivery;
    delivery.failed(error);
    if (!call.isAwaited) call.settle(error);
    this.#options.onClosed(delivery);
  }

  /** Nobody is to get a delivery that nobody runs. */
  drop(delivery: Delivery): void {
    delivery.dropped();
    this.#options.onClosed(delivery);
  }

  /** The deadline of a delivery has passed. */
  expire(delivery: Delivery): void {
    delivery.expired(this.#now);
    this.#options.onClosed(delivery);
  }

  get #now(): number {
    return this.#options.clock.now();
  }

  #placeInGroup(delivery: GroupDelivery): void {
    const { bus, queues, table, isParkingOn } = this.#options;
    const { fn } = delivery.call.request;
    const placement = placeInGroup(delivery, {
      endpoints: table.endpoints(fn, delivery.group),
      parked: queues.find(fn, delivery.group)?.size ?? 0,
      isParkingOn,
      isConnected: bus.connected,
      now: this.#now,
    });
    if (placement.do === 'push') this.#push(delivery, placement.endpoint);
    else if (placement.do === 'park') this.#park(delivery);
    else if (placement.do === 'fail') this.fail(delivery, placement.error);
    else if (placement.do === 'drop') this.drop(delivery);
  }

  /** A delivery that reached nobody on the shared subject: by now workers may be known. */
  #placeAgain(delivery: SharedDelivery): void {
    const { call } = delivery;
    const recipients = groupsFor(call, this.#options.table.groups(call.request.fn), 'foundNobody');
    // The same delivery again, since it counts its tries.
    if (recipients.includes(SHARED)) this.place(delivery);
    else this.place(...call.replaceDelivery(delivery, recipients));
  }

  #push(delivery: GroupDelivery, endpoint: Endpoint): void {
    const reply = this.#openReply(delivery);
    delivery.sentTo(endpoint, reply, this.#now);
    const { request } = delivery.call;
    this.#failIf(delivery, this.#options.sender.push(request, endpoint.worker.id, reply.subject));
  }

  #broadcast(delivery: SharedDelivery): void {
    const reply = this.#openReply(delivery);
    delivery.sentTo(reply, this.#now);
    this.#failIf(delivery, this.#options.sender.broadcast(delivery.call.request, reply.subject));
  }

  #failIf(delivery: Delivery, error: CallError | undefined): void {
    if (error !== undefined) this.fail(delivery, error);
  }

  #openReply(delivery: Delivery): OpenReply {
    const { inbox, onReply } = this.#options;
    return inbox.openFor(delivery, onReply);
  }

  #park(delivery: GroupDelivery): void {
    const queue = this.#options.queues.queueOf(delivery.call.request.fn, delivery.group);
    this.#endUnserved(queue, queue.park(delivery));
  }

  /** The call whose turn it is; those that can wait no longer end. */
  #take(queue: GroupQueue): GroupDelivery | undefined {
    const endpoints = this.#options.table.endpoints(queue.fn, queue.group);
    const taken = queue.take(neededMs(endpoints, this.#now));
    this.#endUnserved(queue, taken);
    return taken.next;
  }

  #endUnserved(queue: GroupQueue, { refused, expired, waitMs }: Unserved<GroupDelivery>): void {
    for (const delivery of expired) this.fail(delivery, deadlineExceeded(delivery.budgetMs, 'no'));
    for (const delivery of refused) {
      const endpoints = this.#options.table.endpoints(queue.fn, queue.group);
      this.fail(delivery, saturated(endpoints, queue.size, waitMs));
    }
  }
}
