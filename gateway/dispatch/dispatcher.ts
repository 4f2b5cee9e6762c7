import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Inbox } from '../../lib/inbox.ts';
import { callHeaders } from '../../protocol/call.ts';
import { CallError } from '../../protocol/call-error.ts';
import { type Reply, readReply } from '../../protocol/reply.ts';
import { DEFAULT_GROUP, type Subjects } from '../../protocol/subjects.ts';
import { brokerUnavailable, noResponders, saturated, workerLost } from '../failures.ts';
import type { CallRequest, Dispatch, Outcome, PendingCall } from './call.ts';
import { Endings } from './endings.ts';
import { Watch } from './liveness.ts';
import { Leg, Pending } from './pending.ts';
import { Handout, type Lot } from './pull-server.ts';
import { replyOutcome } from './reply.ts';
import type { ParkingOptions } from './wait-queue.ts';
import { Belief, type Seat } from './worker-table.ts';

/**
 * How a call finds a slot: push when idle, pull when busy.
 *
 * 1. A worker is believed free: the call is pushed to its private subject.
 * 2. Otherwise it is parked here, where it can be reordered, expired and abandoned, and the group's workers are
 *    told that there is demand; a worker that frees a slot pulls a call. While calls are parked, new ones park too.
 * 3. `busy`, `draining` and the broker's "no responders" prove that nobody ran it: it is placed again. Silence
 *    proves nothing: the call is never sent again.
 * 4. No worker of the function is known: the call goes to the shared subject, where plain NATS responders listen
 *    and where a gateway that has just started finds its workers.
 *
 * All of it for each group of the function by itself (see `Leg`); the first result settles the caller.
 */
export interface DispatchOptions {
  gateway: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  /** `Retry-After` of `no_responders`, in seconds. */
  retryAfterS: number;
  /** Park calls when every slot is taken; otherwise they are refused at once. Default true. */
  isParkingOn?: boolean;
  parking?: ParkingOptions;
}

/** Interest in a subject needs up to 250 ms to be known across a cluster. */
const BROADCAST_RETRIES_MS = [20, 50, 100];
const MAX_REFUSALS = 2;

export class Dispatcher implements Dispatch {
  readonly #options: DispatchOptions;
  readonly #inbox: Inbox;
  readonly #belief = new Belief<Leg>();
  readonly #handout: Handout<Leg>;
  readonly #endings: Endings;
  readonly #watch: Watch<Leg>;

  constructor(options: DispatchOptions) {
    this.#options = options;
    const { gateway, bus, clock, subjects } = options;
    this.#inbox = new Inbox(bus, subjects.replies(gateway));
    this.#handout = new Handout<Leg>({
      gateway,
      bus,
      clock,
      subjects,
      parking: options.parking ?? {},
      freeSlots: (fn, group) => [...this.#belief.seats(fn, group)].reduce((sum, seat) => sum + seat.free, 0),
      neededMs: (fn, group) => this.#belief.neededMs(fn, group, clock.now()),
      onGivenUp: (legs, waitMs) => this.#refuse(legs, waitMs),
      onPull: (leg, pull) => this.#handOut(leg, pull),
    });
    this.#endings = new Endings({
      bus,
      clock,
      subjects,
      inbox: this.#inbox,
      belief: this.#belief,
      handout: this.#handout,
    });
    this.#watch = new Watch<Leg>({
      gateway,
      bus,
      clock,
      subjects,
      inbox: this.#inbox,
      belief: this.#belief,
      onLost: (held) => {
        for (const leg of held) this.#endings.fail(leg, workerLost());
      },
      onGroupGone: (fn, group) => this.#groupGone(fn, group),
    });
  }

  start(): void {
    this.#inbox.start();
    this.#handout.start();
    this.#watch.start();
  }

  /** Calls that are still under way will not be answered any more: their callers are told now. */
  endAll(): void {
    this.#endings.endAll();
  }

  stop(): void {
    this.#watch.stop();
    this.#handout.stop();
    this.#inbox.stop();
    this.#endings.stop();
  }

  /** Calls that are not settled or still owed to a group. */
  get pending(): number {
    return this.#endings.pending;
  }

  /** Reply subjects that are open: one for each call at a worker. */
  get openReplies(): number {
    return this.#inbox.size;
  }

  /** Replies since the start that came when their caller had its outcome, or had left. */
  get lateReplies(): number {
    return this.#inbox.late + this.#endings.late;
  }

  get belief(): Belief<Leg> {
    return this.#belief;
  }

  /** The queues of parked calls, empty ones included. */
  lots(): IterableIterator<Lot<Leg>> {
    return this.#handout.lots();
  }

  /** Calls that wait for a slot. */
  get parkedCalls(): number {
    let parked = 0;
    for (const lot of this.#handout.lots()) parked += lot.parking.size;
    return parked;
  }

  submit(request: CallRequest, settle: (outcome: Outcome) => void): PendingCall {
    const call = new Pending(request, settle, (abandoned) => this.#endings.abandon(abandoned));
    this.#endings.watch(call);
    const groups = this.#belief.groups(request.fn);
    for (const group of groups) call.legs.push(new Leg(call, group));
    if (groups.length === 0) call.legs.push(new Leg(call, undefined));
    for (const leg of call.legs) this.#place(leg);
    return call;
  }

  /** Finds a place for a leg that provably nobody runs. */
  #place(leg: Leg): void {
    const { fn } = leg.call.request;
    const { bus, clock } = this.#options;
    if (leg.call.isAbandoned) return this.#endings.close(leg);
    leg.state = 'placing';
    // Its deadline has passed: it ends with the next sweep, and nobody needs to hear of it.
    if (leg.deadlineAt <= clock.now()) return;
    if (leg.group === undefined) return this.#broadcast(leg);
    const isQueued = this.#handout.parked(fn, leg.group) > 0;
    if (bus.connected && !isQueued && leg.refusals <= MAX_REFUSALS) {
      const seat = this.#belief.pick(fn, leg.group, clock.now());
      if (seat !== undefined) return this.#push(leg, seat);
    }
    this.#park(leg, leg.group);
  }

  #push(leg: Leg, seat: Seat<Leg>): void {
    const { subjects } = this.#options;
    this.#belief.hold(seat, leg);
    leg.seat = seat;
    this.#send(leg, subjects.work(seat.worker.id, seat.fn), undefined);
  }

  #park(leg: Leg, group: string): void {
    const { clock, isParkingOn = true } = this.#options;
    const { fn } = leg.call.request;
    if (!isParkingOn) return this.#refuse([leg], undefined);
    leg.state = 'parked';
    leg.parkedAt = clock.now();
    this.#handout.park(fn, group, leg);
  }

  #handOut(leg: Leg, pull: { worker: string; reply: string; parked: number }): void {
    const { clock } = this.#options;
    const { fn } = leg.call.request;
    leg.parkedMs += clock.now() - leg.parkedAt;
    const seat = this.#belief.seatOfPull(pull.worker, fn, leg.group ?? DEFAULT_GROUP, clock.now());
    this.#belief.hold(seat, leg);
    leg.seat = seat;
    this.#send(leg, pull.reply, pull.parked);
  }

  /** `parked` is given when this answers a pull; the result then goes to the subject in `Now-Reply`. */
  #send(leg: Leg, subject: string, parked: number | undefined): void {
    const { bus, clock, gateway } = this.#options;
    const { callId, headers, body, deadlineAt } = leg.call.request;
    const timeoutMs = deadlineAt - clock.now();
    const reply = this.#inbox.open((message) => this.#onReply(leg, message));
    leg.reply = reply;
    leg.state = 'sent';
    const envelope = {
      callId,
      gateway,
      timeoutMs,
      deadlineWall: clock.wall() + timeoutMs,
      replyTo: parked === undefined ? undefined : reply,
      parked,
    };
    try {
      bus.publish(subject, body, { reply, headers: callHeaders(envelope, headers) });
    } catch (error) {
      this.#endings.retract(leg);
      this.#endings.fail(leg, brokerUnavailable(error));
    }
  }

  /** No worker is known: whoever listens to the shared subject may answer. */
  #broadcast(leg: Leg): void {
    const { bus, subjects } = this.#options;
    if (!bus.connected) {
      return this.#endings.fail(leg, brokerUnavailable());
    }
    leg.broadcasts++;
    this.#send(leg, subjects.call(leg.call.request.fn), undefined);
  }

  #onReply(leg: Leg, message: BusMessage): void {
    if (message.noResponders) return this.#onNobody(leg);
    const { fn } = leg.call.request;
    const headers = message.headers();
    let reply: Reply;
    try {
      if (headers === undefined)
        throw new CallError('bad_reply', 'the headers of the reply cannot be decoded');
      reply = readReply(headers);
    } catch (thrown) {
      return this.#endings.end(leg, CallError.from(thrown));
    }
    const { clock } = this.#options;
    const seat = this.#belief.learnReply(fn, reply, clock.now());
    this.#watch.seen(fn, reply.group ?? '');
    if (reply.kind === 'signal') return this.#onSignal(leg, reply.signal, reply.group, seat);
    this.#endings.end(leg, replyOutcome(reply, headers ?? {}, message.data, leg));
    if (seat !== undefined) this.#topUp(seat);
  }

  /** A quick worker gets parked calls without asking, up to one more than each slot can run: pulls cost messages. */
  #topUp(seat: Seat<Leg>): void {
    const { bus, clock } = this.#options;
    if (!bus.connected || this.#handout.parked(seat.fn, seat.group) === 0) return;
    if (!this.#belief.canPrefetch(seat, clock.now())) return;
    const leg = this.#handout.take(seat.fn, seat.group);
    if (leg === undefined) return;
    leg.parkedMs += clock.now() - leg.parkedAt;
    this.#push(leg, seat);
  }

  #onSignal(leg: Leg, signal: string, group: string | undefined, seat: Seat<Leg> | undefined): void {
    if (signal === 'empty')
      return this.#endings.end(leg, new CallError('bad_reply', 'the reply to a call must not be `empty`'));
    if (signal === 'expired') {
      // On the shared subject another group may have begun it, if there is one.
      const isCertain = leg.group !== undefined || this.#watch.isOnlyGroup(leg.call.request.fn, group ?? '');
      const started = isCertain ? 'no' : 'unknown';
      this.#endings.retract(leg);
      return this.#endings.fail(
        leg,
        new CallError('deadline_exceeded', 'the call reached a worker after its deadline', { started }),
      );
    }
    if (seat !== undefined) {
      seat.free = 0;
      if (signal === 'draining') seat.worker.isLeaving = true;
    }
    if (leg.group === undefined) return this.#owe(leg, group, signal);
    this.#endings.retract(leg);
    if (signal === 'busy') leg.refusals++;
    this.#place(leg);
  }

  /**
   * A group that was reached through the shared subject refused: it is owed the call by itself from now on. The
   * reply subject stays open, for groups that nobody knows of.
   */
  #owe(shared: Leg, named: string | undefined, signal: string): void {
    const { call } = shared;
    const group = named ?? DEFAULT_GROUP;
    shared.isRefused = this.#watch.isOnlyGroup(call.request.fn, named ?? '');
    if (call.isAbandoned || call.legs.some((leg) => leg.group === group)) return;
    const leg = new Leg(call, group);
    if (signal === 'busy') leg.refusals++;
    call.legs.push(leg);
    this.#place(leg);
  }

  /** The broker says that nobody got it. */
  #onNobody(leg: Leg): void {
    const { seat } = leg;
    this.#endings.retract(leg);
    if (leg.group !== undefined) {
      if (seat !== undefined) this.#belief.suspect(seat.worker);
      return this.#place(leg);
    }
    const delayMs = BROADCAST_RETRIES_MS[leg.broadcasts - 1];
    if (delayMs === undefined || this.#watch.isSurelyUnserved(leg.call.request.fn)) {
      return this.#endings.fail(leg, noResponders(leg.call.request.fn, this.#options.retryAfterS));
    }
    leg.state = 'placing';
    this.#options.clock.after(delayMs, () => {
      if (leg.state === 'placing' && leg.reply === undefined) this.#placeAgain(leg);
    });
  }

  /** A leg on the shared subject that reached nobody: by now workers may have become known. */
  #placeAgain(leg: Leg): void {
    const groups = this.#belief.groups(leg.call.request.fn);
    if (groups.length === 0) return this.#place(leg);
    this.#replace(
      leg,
      groups.map((group) => new Leg(leg.call, group)),
    );
  }

  /** The last worker of a group is gone: what is parked for it has to be told, or goes to whoever else listens. */
  #groupGone(fn: string, group: string): void {
    for (const leg of this.#handout.clear(fn, group)) {
      leg.state = 'placing';
      if (leg.call.legs.length > 1) this.#endings.fail(leg, noResponders(fn, this.#options.retryAfterS));
      else this.#replace(leg, [new Leg(leg.call, undefined)]);
    }
  }

  /** Other legs take the place of one that provably nobody runs. */
  #replace(leg: Leg, legs: Leg[]): void {
    leg.state = 'closed';
    leg.call.legs.splice(leg.call.legs.indexOf(leg), 1, ...legs);
    for (const next of legs) this.#place(next);
  }

  #refuse(legs: readonly Leg[], waitMs: number | undefined): void {
    for (const leg of legs) {
      const { fn } = leg.call.request;
      const group = leg.group ?? DEFAULT_GROUP;
      const seats = this.#belief.seats(fn, group);
      this.#endings.fail(leg, saturated(seats, this.#handout.parked(fn, group), waitMs));
    }
  }
}
