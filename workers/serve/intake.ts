import type { Logger } from 'pino';
import { type Bus, type BusMessage, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { PREFETCH_BELOW_MS } from '../../protocol/call.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';
import {
  errorHeaders,
  reportHeaders,
  type Signal,
  signalHeaders,
  type WorkerReport,
} from '../../protocol/reply.ts';
import type { FunctionState } from '../../protocol/state.ts';
import type { LoadedFunction } from '../api/define.ts';
import type { Completion, Invocation } from '../run/completion.ts';
import { type ArrivedCall, readArrival, requestIdOf } from './arrival.ts';
import type { ClockOffsets } from './clock-offset.ts';
import { ServiceTime, Slots } from './slots.ts';

/**
 * What happens to a call that reaches this worker:
 *
 *   arrives ──► running ──► answered        a slot is free
 *      │           ▲
 *      ├──► buffered                        no slot: a plain requester's call, which can wait nowhere else,
 *      │       │                            or a prefetched one of a quick function
 *      │       └──► expired / error 503     its deadline passed while it waited
 *      └──► busy / draining / expired       not run, and the gateway knows that it was not
 *
 * Every call gets exactly one reply. Expiry is judged on the headers; the body is decoded when the call runs.
 */
export interface IntakeOptions {
  worker: string;
  group: string;
  bus: Bus;
  clock: Clock;
  log: Logger;
  offsets: ClockOffsets;
  /** Results of pulled calls may go below this subject only. */
  replyPrefix: string;
  run: (fn: LoadedFunction, invocation: Invocation) => Running;
  /** A call was refused for lack of a slot: somebody may be waiting for one. */
  onRefused: () => void;
  /** A slot came free and nothing buffered took it. */
  onFree: () => void;
}

/** A call that was begun; `done` never rejects. */
interface Running {
  readonly done: Promise<Completion>;
  cancel(reason: string): void;
}

/** What the report and Nats headers of a reply may need besides the handler's own. */
const REPORT_BYTES = 512;
const MAX_BUFFERED = 1000;
/** The reply of a call may wait this long for the broker to come back. */
const MAX_UNSENT = 1000;

export class Intake {
  readonly fn: LoadedFunction;
  readonly slots: Slots;
  readonly #options: IntakeOptions;
  readonly #serviceTime = new ServiceTime();
  readonly #running = new Map<string, Running>();
  readonly #buffer = new Set<ArrivedCall>();
  readonly #expiry: Deadlines<ArrivedCall>;
  readonly #unsent: { arrival: ArrivedCall; headers: HeaderPairs; data: Uint8Array }[] = [];
  #isDraining = false;
  #onIdle: (() => void) | undefined;
  /** Since the start; `workMs` is the sum of all run times, `lastError` the outcome of the last call that failed. */
  readonly counts = { busy: 0, expired: 0, cancelled: 0, requests: 0, errors: 0, workMs: 0, lastError: '' };

  constructor(fn: LoadedFunction, options: IntakeOptions) {
    this.fn = fn;
    this.slots = new Slots(fn.slots);
    this.#options = options;
    this.#expiry = new Deadlines(options.clock, (arrival) => this.#onBufferedExpired(arrival));
  }

  get group(): string {
    return this.#options.group;
  }

  get state(): FunctionState {
    const { total, free, running } = this.slots;
    const serviceMs = Math.round(this.#serviceTime.toldMs(this.#options.clock.now()) * 100) / 100;
    return {
      group: this.#options.group,
      slots: total,
      free,
      running,
      buffered: this.#buffer.size,
      serviceMs,
    };
  }

  /** Takes a call in; returns how many more are parked at the gateway that handed it out. */
  take(message: BusMessage): number {
    const { clock, offsets, replyPrefix } = this.#options;
    const read = readArrival(message, clock, offsets, replyPrefix);
    if (!read.ok) {
      const headers = errorHeaders(400, read.reason, 'bad_request', this.#report());
      if (message.reply !== undefined) this.#options.bus.publish(message.reply, NO_DATA, { headers });
      return 0;
    }
    const arrival = read.call;
    if (arrival.deadlineAt <= clock.now()) this.#expire(arrival);
    else if (this.#isDraining && !arrival.isPlain) this.#signal(arrival, 'draining');
    else if (this.#canStart()) this.#start(arrival);
    else if (this.#canBuffer(arrival)) this.#keep(arrival);
    else this.#refuse(arrival);
    return arrival.parked;
  }

  /** Cancels a call that runs or waits here; whether it was known. */
  cancel(callId: string, reason: string): boolean {
    const running = this.#running.get(callId);
    if (running !== undefined) {
      running.cancel(reason);
      return true;
    }
    for (const arrival of this.#buffer) {
      if (arrival.callId !== callId) continue;
      this.#unkeep(arrival);
      this.counts.cancelled++;
      this.#signal(arrival, 'busy');
      return true;
    }
    return false;
  }

  /** From now on calls of gateways are answered `draining`; resolves when nothing runs or waits any more. */
  drain(): Promise<void> {
    this.#isDraining = true;
    // What was kept while no slot was offered has its turn now.
    this.startBuffered();
    if (this.slots.running === 0 && this.#buffer.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** The broker is back: sends the replies that could not be sent, if anybody still waits for them. */
  resend(): void {
    const now = this.#options.clock.now();
    for (const { arrival, headers, data } of this.#unsent.splice(0)) {
      if (arrival.deadlineAt > now) this.#send(arrival, headers, data);
    }
  }

  /** Uses slots that have come free for buffered calls, then lets pulls have the rest. */
  refill(): void {
    this.startBuffered();
    if (this.slots.free > 0) this.#options.onFree();
    if (this.#isDraining && this.slots.running === 0 && this.#buffer.size === 0) this.#onIdle?.();
  }

  /** Uses free slots for buffered calls. */
  startBuffered(): void {
    const now = this.#options.clock.now();
    for (const arrival of this.#buffer) {
      if (!this.#canStart()) break;
      this.#unkeep(arrival);
      if (arrival.deadlineAt <= now) this.#expire(arrival);
      else this.#start(arrival);
    }
  }

  /** While draining no slot is offered any more, but what is here still runs. */
  #canStart(): boolean {
    return this.slots.free > 0 || (this.#isDraining && this.slots.running < this.slots.total);
  }

  #start(arrival: ArrivedCall): void {
    const { bus, clock, run } = this.#options;
    const { callId, headers, body, deadlineAt } = arrival;
    const startedAt = clock.now();
    this.slots.running++;
    const running = run(this.fn, {
      callId,
      headers,
      body,
      deadlineAt,
      maxReplyBytes: bus.maxPayload - REPORT_BYTES,
    });
    this.#running.set(callId, running);
    running.done.then((completion) => this.#finish(arrival, startedAt, completion));
  }

  #finish(arrival: ArrivedCall, startedAt: number, completion: Completion): void {
    const { clock, log } = this.#options;
    const waitMs = startedAt - arrival.arrivedAt;
    const workMs = clock.now() - startedAt;
    this.#running.delete(arrival.callId);
    this.slots.running--;
    this.counts.requests++;
    this.counts.workMs += workMs;
    if (completion.outcome === 'cancelled') this.counts.cancelled++;
    else this.#serviceTime.add(workMs, clock.now());
    if (completion.outcome !== 'ok') {
      this.counts.errors++;
      this.counts.lastError = `${completion.status}:${completion.outcome}`;
    }
    // First the next call, then the reply: its report of free slots is then true.
    this.refill();
    const headers = [...completion.headers, ...reportHeaders({ ...this.#report(), waitMs, workMs })];
    this.#send(arrival, headers, completion.body);
    log.info(
      {
        fn: this.fn.name,
        call: arrival.callId,
        requestId: requestIdOf(arrival),
        outcome: completion.outcome,
        waitMs: Math.round(waitMs),
        workMs: Math.round(workMs),
        running: this.slots.running,
        buffered: this.#buffer.size,
        parked: arrival.parked,
      },
      'call',
    );
  }

  /** A plain requester's call is kept as long as it can be started in time, others are prefetched when quick. */
  #canBuffer({ isPlain, deadlineAt }: ArrivedCall): boolean {
    const { total } = this.slots;
    const ahead = this.#buffer.size + 1;
    const { averageMs } = this.#serviceTime;
    if (!isPlain)
      return averageMs > 0 && averageMs < PREFETCH_BELOW_MS && ahead <= total && !this.slots.isClosed;
    const waitMs = (averageMs * ahead) / total;
    return ahead <= MAX_BUFFERED && this.#options.clock.now() + waitMs < deadlineAt;
  }

  #keep(arrival: ArrivedCall): void {
    this.#buffer.add(arrival);
    this.#expiry.add(arrival);
  }

  #unkeep(arrival: ArrivedCall): void {
    this.#buffer.delete(arrival);
    this.#expiry.delete(arrival);
  }

  #onBufferedExpired(arrival: ArrivedCall): void {
    this.#buffer.delete(arrival);
    this.#expire(arrival);
    if (this.#isDraining && this.slots.running === 0 && this.#buffer.size === 0) this.#onIdle?.();
  }

  #expire(arrival: ArrivedCall): void {
    this.counts.expired++;
    this.#log(arrival, 'expired');
    if (arrival.isPlain) this.#unavailable(arrival);
    else this.#signal(arrival, 'expired');
  }

  #refuse(arrival: ArrivedCall): void {
    this.counts.busy++;
    this.#log(arrival, 'busy');
    if (arrival.isPlain) this.#unavailable(arrival);
    else {
      this.#options.onRefused();
      this.#signal(arrival, 'busy');
    }
  }

  #log({ callId }: ArrivedCall, outcome: string): void {
    const { running } = this.slots;
    this.#options.log.debug(
      { fn: this.fn.name, call: callId, outcome, running, buffered: this.#buffer.size },
      'call',
    );
  }

  #signal(arrival: ArrivedCall, signal: Signal): void {
    const waitMs = this.#options.clock.now() - arrival.arrivedAt;
    this.#send(arrival, signalHeaders(signal, { ...this.#report(), waitMs }), NO_DATA);
  }

  #unavailable(arrival: ArrivedCall): void {
    this.#send(arrival, errorHeaders(503, 'every slot is taken', undefined, this.#report()), NO_DATA);
  }

  #send(arrival: ArrivedCall, headers: HeaderPairs, data: Uint8Array): void {
    const { bus, log } = this.#options;
    if (arrival.replyTo === undefined) return;
    if (!bus.connected) {
      if (this.#unsent.length < MAX_UNSENT) this.#unsent.push({ arrival, headers, data });
      return;
    }
    try {
      bus.publish(arrival.replyTo, data, { headers });
    } catch (error) {
      log.error({ fn: this.fn.name, call: arrival.callId, err: error }, 'the reply cannot be sent');
      const failure = errorHeaders(502, 'the reply cannot be sent', 'bad_reply', this.#report());
      if (bus.connected) bus.publish(arrival.replyTo, NO_DATA, { headers: failure });
    }
  }

  #report(): WorkerReport {
    const { worker, group } = this.#options;
    const { averageMs } = this.#serviceTime;
    return { worker, group, free: this.slots.free, serviceMs: averageMs };
  }
}
