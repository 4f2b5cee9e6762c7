import type { Logger } from 'pino';
import { type Bus, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';
import {
  errorHeaders,
  type NotRunSignal,
  reportHeaders,
  signalHeaders,
  type WorkerReport,
} from '../../protocol/reply.ts';
import type { Completion } from '../run/completion.ts';
import type { ArrivedCall } from './arrival.ts';
import type { ServiceTime } from './service-time.ts';
import type { Slots } from './slots.ts';

/** Who replies, and what each reply reports. */
export interface RepliesOptions {
  readonly worker: string;
  readonly fn: string;
  readonly group: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly slots: Slots;
  readonly serviceTime: ServiceTime;
}

/** What the report and Nats headers of a reply may need besides the handler's own. */
export const REPORT_BYTES = 512;
/** Replies that wait for the broker; more are dropped. */
const MAX_UNSENT = 1000;

interface UnsentReply {
  readonly call: ArrivedCall;
  readonly headers: HeaderPairs;
  readonly data: Uint8Array;
}

/**
 * Sends the replies to the calls of one function. What cannot be sent because the broker is away waits until it is
 * back or the call's deadline has passed.
 */
export class Replies {
  readonly #options: RepliesOptions;
  readonly #unsent: UnsentReply[] = [];

  constructor(options: RepliesOptions) {
    this.#options = options;
  }

  /** The call ran. */
  completed(
    call: ArrivedCall,
    { headers, body }: Completion,
    times: { readonly waitMs: number; readonly workMs: number },
  ): void {
    this.#send(call, reportHeaders(this.#report(times.waitMs, times.workMs), headers), body);
  }

  /** The call was not run. A plain requester knows no signals: to it every slot is taken. */
  notRun(call: ArrivedCall, signal: NotRunSignal): void {
    if (call.isPlain) {
      this.#send(call, errorHeaders(503, 'every slot is taken', undefined, this.#report()), NO_DATA);
      return;
    }
    const waitMs = this.#options.clock.now() - call.arrivedAt;
    this.#send(call, signalHeaders(signal, this.#report(waitMs)), NO_DATA);
  }

  /** The message was no valid call. */
  malformed(replyTo: string | undefined, reason: string): void {
    const { bus, fn, log } = this.#options;
    log.debug({ fn, reason }, 'malformed call');
    if (replyTo === undefined || !bus.connected) return;
    bus.publish(replyTo, NO_DATA, { headers: errorHeaders(400, reason, 'bad_request', this.#report()) });
  }

  /** The broker is back: sends what could not be sent, if anybody still waits for it. */
  resend(): void {
    const now = this.#options.clock.now();
    for (const { call, headers, data } of this.#unsent.splice(0)) {
      if (call.deadlineAt > now) this.#send(call, headers, data);
    }
  }

  #send(call: ArrivedCall, headers: HeaderPairs, data: Uint8Array): void {
    const { bus, fn, log } = this.#options;
    if (call.replyTo === undefined) return;
    if (!bus.connected) {
      if (this.#unsent.length < MAX_UNSENT) this.#unsent.push({ call, headers, data });
      return;
    }
    try {
      bus.publish(call.replyTo, data, { headers });
    } catch (error) {
      log.error({ fn, call: call.callId, err: error }, 'the reply cannot be sent');
      const failure = errorHeaders(502, 'the reply cannot be sent', 'bad_reply', this.#report());
      if (bus.connected) bus.publish(call.replyTo, NO_DATA, { headers: failure });
    }
  }

  #report(waitMs?: number, workMs?: number): WorkerReport {
    const { worker, group, slots, serviceTime } = this.#options;
    return { worker, group, free: slots.free, serviceMs: serviceTime.averageMs, waitMs, workMs };
  }
}
