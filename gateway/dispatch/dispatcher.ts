import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { Inbox } from '../../lib/inbox.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { Signal } from '../../protocol/reply.ts';
import { DEFAULT_GROUP, type Subjects } from '../../protocol/subjects.ts';
import { deadlineExceeded, draining, noResponders, workerLost } from '../failures.ts';
import { Call, type Delivery, GroupDelivery } from './call.ts';
import type { Caller, CallHandle, CallOutcome, CallRequest, Dispatch } from './contract.ts';
import { Deliverer } from './deliverer.ts';
import { type EmptiedGroup, Liveness } from './liveness.ts';
import { callOutcome, readReplyMessage } from './outcome.ts';
import { groupsFor, placeAfterNobody } from './placement.ts';
import { type Departure, Prober } from './prober.ts';
import { type GroupQueue, PullServer } from './pull-server.ts';
import { Sender } from './sender.ts';
import type { WaitQueueOptions } from './wait-queue.ts';
import type { Endpoint, WorkerEntry } from './worker-entry.ts';
import { WorkerTable } from './worker-table.ts';

export interface DispatcherOptions {
  gateway: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  /** `Retry-After` of `no_responders`, in seconds. */
  retryAfterS: number;
  /** Park calls when every slot is taken; otherwise they are refused at once. Default true. */
  isParkingOn?: boolean;
  waitQueue?: WaitQueueOptions;
}

/**
 * Finds workers for calls: push when idle, pull when busy. Events come in here: a call, a reply, a pull, a caller or
 * a worker that leaves, a deadline. Each takes the same three steps: *decide* (placement.ts, which is pure and has
 * the rules; wait-queue.ts and liveness.ts, which remember), *change the state* (call.ts, worker-entry.ts), *send*
 * (sender.ts).
 */
export class Dispatcher implements Dispatch {
  readonly #options: DispatcherOptions;
  readonly #table = new WorkerTable();
  readonly #liveness = new Liveness(this.#table);
  readonly #inbox: Inbox;
  readonly #sender: Sender;
  readonly #queues: PullServer;
  readonly #prober: Prober;
  readonly #deliverer: Deliverer;
  /** All calls that are not settled, or that a group may still answer. */
  readonly #calls: Deadlines<Call>;
  #lateReplies = 0;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { gateway, bus, clock, subjects, waitQueue = {}, isParkingOn = true } = options;
    const table = this.#table;
    const inbox = new Inbox(bus, subjects.replies(gateway));
    const sender = new Sender({ gateway, bus, clock, subjects });
    const queues = new PullServer({
      gateway,
      bus,
      clock,
      subjects,
      sender,
      table,
      waitQueue,
      onPull: (queue, pull) => this.#deliverer.answerPull(queue, pull),
    });
    this.#inbox = inbox;
    this.#sender = sender;
    this.#queues = queues;
    this.#calls = new Deadlines(clock, (call) => this.#onDeadline(call));
    this.#deliverer = new Deliverer({
      bus,
      clock,
      inbox,
      sender,
      table,
      queues,
      isParkingOn,
      onReply: (delivery, message) => this.#onReply(delivery, message),
      onClosed: ({ call }) => this.#forgetEnded(call),
    });
    this.#prober = new Prober({
      bus,
      clock,
      subjects,
      inbox,
      sender,
      liveness: this.#liveness,
      onDeparture: (departure) => this.#onDeparture(departure),
    });
  }

  start(): void {
    this.#inbox.start();
    this.#queues.start();
    this.#prober.start();
  }

  /** Ends all calls, because this gateway is stopping. What workers have runs on; nothing more is sent. */
  endAll(): void {
    for (const call of this.#calls.items()) this.#withdraw(call, draining());
  }

  stop(): void {
    this.#prober.stop();
    this.#queues.stop();
    this.#inbox.stop();
    this.#calls.clear();
  }

  /** Calls that are not settled, or that a group may still answer. */
  get pending(): number {
    return this.#calls.size;
  }

  /** Reply subjects that are open: of deliveries that may be answered, and of probes. */
  get openReplies(): number {
    return this.#inbox.size;
  }

  /** Messages since the start that came to a closed reply subject, or when their call was settled. */
  get lateReplies(): number {
    return this.#inbox.late + this.#lateReplies;
  }

  get workers(): WorkerTable {
    return this.#table;
  }

  /** The queues of parked calls, empty ones included. */
  queues(): IterableIterator<GroupQueue> {
    return this.#queues.all();
  }

  /** Deliveries that wait for a slot: a call can be parked for several groups. */
  get parkedDeliveries(): number {
    let parked = 0;
    for (const queue of this.#queues.all()) parked += queue.size;
    return parked;
  }

  /** See `Dispatch`. */
  submit(request: CallRequest, caller: Caller): CallHandle {
    const call = new Call(request, caller, this.#onAbandoned);
    this.#calls.add(call);
    this.#deliverer.place(
      ...call.addDeliveries(groupsFor(call, this.#table.groups(request.fn), 'submitted')),
    );
    return call;
  }

  /** The caller left: what is parked is dropped, what runs is cancelled. */
  readonly #onAbandoned = (call: Call): void => {
    this.#withdraw(call, new CallError('caller_gone', 'the caller left'));
    for (const delivery of call.deliveries) if (delivery.state === 'sent') this.#cancel(delivery);
  };

  /** Ends a call before its deadline, so that no delivery of it is sent any more. */
  #withdraw(call: Call, failure: CallError): void {
    call.withdraw();
    call.settle(failure);
    for (const delivery of call.deliveries) {
      // One that was sent stays open until the worker's own reply, or the deadline: it takes a slot.
      if (delivery.state !== 'sent' && delivery.state !== 'closed') this.#deliverer.drop(delivery);
    }
  }

  #cancel(delivery: Delivery): void {
    if (!this.#options.bus.connected) return;
    const { fn, callId } = delivery.call.request;
    for (const { worker } of this.#holders(delivery, fn)) this.#sender.cancel(worker.id, callId);
  }

  /** Whoever may run a delivery: on the shared subject any worker of the function that has become known since. */
  #holders(delivery: Delivery, fn: string): readonly Endpoint[] {
    if (delivery instanceof GroupDelivery) return delivery.endpoint === undefined ? [] : [delivery.endpoint];
    return this.#table.groups(fn).flatMap((group) => [...this.#table.endpoints(fn, group)]);
  }

  #onDeadline(call: Call): void {
    call.withdraw();
    call.settle(deadlineExceeded(call.request.budgetMs, 'unknown'));
    for (const delivery of call.deliveries) {
      if (delivery.state !== 'closed') this.#deliverer.expire(delivery);
    }
  }

  #onReply(delivery: Delivery, message: BusMessage): void {
    if (message.noResponders) return this.#onNobody(delivery);
    const { fn, budgetMs } = delivery.call.request;
    const now = this.#options.clock.now();
    const reply = readReplyMessage(message);
    if (reply instanceof CallError) return this.#answer(delivery, reply);
    const endpoint = this.#table.learnReply(fn, reply, now, delivery.sentAt);
    this.#liveness.groupSeen(fn, reply.group, now);
    if (reply.kind === 'signal') return this.#onSignal(delivery, reply.signal, reply.group, endpoint);
    this.#answer(delivery, callOutcome(reply, message, { parkedMs: delivery.parkedMs, budgetMs }));
    if (endpoint !== undefined) this.#deliverer.sendAhead(endpoint);
  }

  #answer(delivery: Delivery, outcome: CallOutcome): void {
    if (!this.#deliverer.answer(delivery, outcome)) this.#lateReplies++;
  }

  #onSignal(
    delivery: Delivery,
    signal: Signal,
    group: string | undefined,
    endpoint: Endpoint | undefined,
  ): void {
    switch (signal) {
      case 'busy':
        endpoint?.noSlotFree();
        return this.#onNotRun(delivery, group, true);
      case 'draining':
        endpoint?.noSlotFree();
        endpoint?.worker.leaving(true);
        return this.#onNotRun(delivery, group, false);
      case 'expired': {
        // On the shared subject another group may have begun it, if there is one.
        const isCertain = delivery instanceof GroupDelivery || this.#isOnlyGroup(delivery, group);
        const started = isCertain ? 'no' : 'unknown';
        const detail = 'the call reached a worker after its deadline';
        return this.#deliverer.fail(delivery, new CallError('deadline_exceeded', detail, { started }));
      }
      case 'empty':
        return this.#answer(delivery, new CallError('bad_reply', 'the reply to a call must not be `empty`'));
    }
  }

  /** Whom it was sent to provably did not run it. */
  #onNotRun(delivery: Delivery, group: string | undefined, isBusy: boolean): void {
    if (delivery instanceof GroupDelivery) {
      delivery.notRun(isBusy);
      return this.#deliverer.place(delivery);
    }
    const { call } = delivery;
    delivery.groupDeclined(this.#isOnlyGroup(delivery, group));
    if (call.isWithdrawn) return this.#forgetEnded(call);
    const declinedBy = group ?? DEFAULT_GROUP;
    this.#deliverer.place(...call.addDeliveries(groupsFor(call, [], { declinedBy })));
  }

  #isOnlyGroup({ call }: Delivery, group: string | undefined): boolean {
    return this.#liveness.isOnlyGroup(call.request.fn, group, this.#options.clock.now());
  }

  /** The broker says that nobody got it. */
  #onNobody(delivery: Delivery): void {
    const { bus, clock, retryAfterS } = this.#options;
    if (delivery instanceof GroupDelivery) {
      delivery.endpoint?.worker.unreachable();
      delivery.notRun(false);
      return this.#deliverer.place(delivery);
    }
    delivery.foundNobody();
    const { fn } = delivery.call.request;
    const isCertain = this.#liveness.isSurelyUnserved(fn, bus.clustered, clock.now());
    this.#deliverer.carryOut(delivery, placeAfterNobody(delivery, isCertain, retryAfterS));
  }

  #onDeparture({ lost, emptied }: Departure): void {
    const held = lost === undefined ? [] : this.#heldBy(lost);
    for (const group of emptied) this.#onGroupEmptied(group);
    for (const delivery of held) this.#deliverer.fail(delivery, workerLost());
  }

  #heldBy(worker: WorkerEntry): GroupDelivery[] {
    return [...this.#calls.items()]
      .flatMap(({ deliveries }) => deliveries)
      .filter((delivery) => delivery instanceof GroupDelivery)
      .filter(({ endpoint }) => endpoint?.worker === worker);
  }

  /** The last worker of a group is gone: what is parked for it goes to whoever else listens, or fails. */
  #onGroupEmptied({ fn, group }: EmptiedGroup): void {
    for (const delivery of this.#queues.forget(fn, group)) {
      const { call } = delivery;
      const recipients = groupsFor(call, [], 'emptied');
      if (recipients.length > 0) this.#deliverer.place(...call.replaceDelivery(delivery, recipients));
      else this.#deliverer.fail(delivery, noResponders(fn, this.#options.retryAfterS));
    }
  }

  /** Forgets a call that is settled and that nobody answers any more. */
  #forgetEnded(call: Call): void {
    if (!call.isSettled || call.isAwaited) return;
    this.#calls.delete(call);
    for (const delivery of call.deliveries) if (delivery.state === 'listening') delivery.dropped();
  }
}
