import type { Logger } from 'pino';
import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { type Deferred, deferred } from '../../lib/deferred.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { decodeJson } from '../../protocol/json.ts';
import type { NotRunSignal } from '../../protocol/reply.ts';
import { demandSchema, type FunctionState } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { LoadedFunction } from '../api/define.ts';
import type { Completion, Invocation } from '../run/completion.ts';
import type { RunHandle } from '../run/execute.ts';
import { type ArrivalReader, type ArrivedCall, readArrival } from './arrival.ts';
import { CallCounts } from './call-counts.ts';
import { CallLog } from './call-log.ts';
import type { ClockOffsets } from './clock-offset.ts';
import { Intake } from './intake.ts';
import type { LagWatch } from './lag-watch.ts';
import type { Phase } from './phase.ts';
import { type PullOutcome, Pulls } from './pulls.ts';
import { REPORT_BYTES, Replies } from './replies.ts';
import { ServiceTime } from './service-time.ts';
import { Slots } from './slots.ts';

/** What the functions of a worker share. */
export interface SharedServices {
  readonly worker: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly inbox: Inbox;
  readonly offsets: ClockOffsets;
  readonly phase: Phase;
  readonly lagWatch: LagWatch;
  /** Begins a call. */
  readonly run: (fn: LoadedFunction, invocation: Invocation) => RunHandle;
  /** Nothing is parked for this function anywhere, and it has free slots: gateways should know. */
  readonly onIdle: (fn: string) => void;
}

/**
 * Serves one function: takes its calls in, runs them, and pulls more.
 *
 *   arrives ──► running ──► answered         a slot can begin it
 *      │           ▲
 *      ├──────► kept                         no slot can, but it may wait here
 *      │           └──► expired              its deadline passed while it waited
 *      └──► busy / draining / expired        not run, and whoever sent it knows
 *
 * Every call gets exactly one reply. `Intake` has the rules of admission, `Phase` what the worker does in which phase.
 * Expiry is decided on the headers; the body is decoded when the call runs.
 */
export class FunctionServer {
  readonly fn: LoadedFunction;
  readonly group: string;
  /** Since the start. */
  readonly counts = new CallCounts();
  readonly #shared: SharedServices;
  readonly #log: Logger;
  readonly #callLog: CallLog;
  readonly #slots: Slots;
  readonly #serviceTime = new ServiceTime();
  readonly #intake: Intake;
  readonly #replies: Replies;
  readonly #arrivals: ArrivalReader;
  readonly #pulls: Pulls;
  /** By call id. */
  readonly #running = new Map<string, RunHandle>();
  #calls: BusSubscription | undefined;
  #demands: BusSubscription | undefined;
  #idle: Deferred<void> | undefined;

  constructor(fn: LoadedFunction, group: string, shared: SharedServices) {
    const { phase, clock, offsets, subjects } = shared;
    this.fn = fn;
    this.group = group;
    this.#shared = shared;
    this.#log = shared.log.child({ fn: fn.name });
    this.#callLog = new CallLog(this.#log);
    this.#arrivals = { clock, offsets, replyPrefix: subjects.replies('') };
    const slots = new Slots(fn.slots, phase);
    const serviceTime = this.#serviceTime;
    this.#slots = slots;
    const onExpired = (call: ArrivedCall) => this.#onExpired(call);
    this.#intake = new Intake({ clock, phase, slots, serviceTime, onExpired });
    this.#replies = new Replies({ ...shared, fn: fn.name, group, slots, serviceTime });
    const onOutcome = (outcome: PullOutcome) => this.#onPullOutcome(outcome);
    this.#pulls = new Pulls({ ...shared, fn: fn.name, group, slots, onOutcome });
  }

  get state(): FunctionState {
    const { total, free, running } = this.#slots;
    const serviceMs = Math.round(this.#serviceTime.reportedMs(this.#shared.clock.now()) * 100) / 100;
    return { group: this.group, slots: total, free, running, buffered: this.#intake.size, serviceMs };
  }

  start(): void {
    const { bus, clock, subjects, offsets } = this.#shared;
    const { group, fn } = this;
    this.#calls = bus.subscribe(subjects.call(fn.name), (message) => void this.take(message), {
      queue: group,
    });
    this.#demands = bus.subscribe(subjects.demand(fn.name, group), (message) => {
      const demand = decodeJson(demandSchema, message.data);
      if (demand === undefined) return;
      offsets.observe(demand.gateway, demand.at, clock.wall(), clock.now());
      this.#pulls.demanded(demand);
    });
  }

  /** Takes a call in; returns how many more are parked at the gateway that handed it out. */
  take(message: BusMessage): number {
    const { clock, lagWatch } = this.#shared;
    const now = clock.now();
    lagWatch.check(now);
    const read = readArrival(message, now, this.#arrivals);
    if (!read.ok) {
      this.#replies.malformed(message.reply, read.reason);
      return 0;
    }
    const { call } = read;
    const admission = this.#intake.admit(call, now);
    if (admission === 'begin') this.#begin(call, now);
    else if (admission !== 'keep') this.#refuse(call, admission);
    return call.parked;
  }

  /** Cancels a call that runs or is kept here; whether it was known. */
  cancel(callId: string, reason: string): boolean {
    const running = this.#running.get(callId);
    if (running !== undefined) {
      running.cancel(reason);
      return true;
    }
    const kept = this.#intake.withdraw(callId);
    if (kept === undefined) return false;
    this.counts.cancelled++;
    this.#replies.notRun(kept, 'busy');
    return true;
  }

  /** The worker does not lag any more, or a call ended: kept calls begin, and pulls may use what is left. */
  refill(): void {
    this.#beginKept();
    if (this.#slots.free > 0) this.#pulls.slotFreed();
  }

  /** The broker is back. */
  resend(): void {
    this.#replies.resend();
  }

  /** The worker's phase is `draining`. Resolves when every call that reached this function is answered. */
  async drain(): Promise<void> {
    // What waited for the end of a lag, or for a reserved slot, begins now.
    this.#beginKept();
    await this.#pulls.settled();
    await this.#calls?.drain();
    // Only now is it certain that nothing more comes: a plain requester's call may have been on the way.
    await this.#whenIdle();
  }

  /** Leaves at once. */
  stop(): void {
    this.#calls?.unsubscribe();
    this.#demands?.unsubscribe();
    this.#pulls.stop();
  }

  #begin(call: ArrivedCall, startedAt: number): void {
    const { bus, run } = this.#shared;
    const { callId, headers, body, deadlineAt } = call;
    this.#slots.began();
    const maxReplyBytes = bus.maxPayload - REPORT_BYTES;
    const handle = run(this.fn, { callId, headers, body, deadlineAt, maxReplyBytes });
    this.#running.set(callId, handle);
    void handle.done.then((completion) => this.#onEnded(call, startedAt, completion));
  }

  #onEnded(call: ArrivedCall, startedAt: number, completion: Completion): void {
    const now = this.#shared.clock.now();
    const times = { waitMs: startedAt - call.arrivedAt, workMs: now - startedAt };
    this.#running.delete(call.callId);
    this.#slots.ended();
    this.counts.ran(completion, times.workMs);
    if (completion.outcome !== 'cancelled') this.#serviceTime.add(times.workMs, now);
    // First the next call, then the reply: its report of free slots is then true.
    this.refill();
    this.#noteIdle();
    this.#replies.completed(call, completion, times);
    this.#logCompleted(call, completion, times);
  }

  #beginKept(): void {
    while (this.#slots.canBegin) {
      const call = this.#intake.next();
      if (call === undefined) return;
      const now = this.#shared.clock.now();
      if (call.deadlineAt <= now) this.#refuse(call, 'expired');
      else this.#begin(call, now);
    }
  }

  #onExpired(call: ArrivedCall): void {
    this.#refuse(call, 'expired');
    this.#noteIdle();
  }

  #refuse(call: ArrivedCall, signal: NotRunSignal): void {
    this.counts.notRun(signal);
    if (signal === 'busy' && !call.isPlain) this.#pulls.callRefused();
    this.#replies.notRun(call, signal);
    const { running } = this.#slots;
    this.#log.debug({ call: call.callId, outcome: signal, running, buffered: this.#intake.size }, 'call');
  }

  #onPullOutcome(outcome: PullOutcome): void {
    if (outcome.kind === 'call') {
      this.#pulls.answered(this.take(outcome.message));
      return;
    }
    // What is kept here goes before what is parked elsewhere.
    this.#beginKept();
    if (this.#pulls.endedInVain(outcome)) this.#shared.onIdle(this.fn.name);
  }

  #whenIdle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    this.#idle ??= deferred();
    return this.#idle.promise;
  }

  #noteIdle(): void {
    if (this.#isIdle()) this.#idle?.resolve();
  }

  #isIdle(): boolean {
    return this.#slots.running === 0 && this.#intake.size === 0;
  }

  #logCompleted(
    { callId, requestId, parked }: ArrivedCall,
    { outcome }: Completion,
    times: { readonly waitMs: number; readonly workMs: number },
  ): void {
    const waitMs = Math.round(times.waitMs);
    const workMs = Math.round(times.workMs);
    const { running } = this.#slots;
    const buffered = this.#intake.size;
    this.#callLog.ended({ call: callId, requestId, outcome, waitMs, workMs, running, buffered, parked });
  }
}
