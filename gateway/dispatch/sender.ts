import { type Bus, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { randomToken } from '../../lib/random-token.ts';
import { callHeaders, probeHeaders } from '../../protocol/call.ts';
import type { CallError } from '../../protocol/call-error.ts';
import { encodeJson } from '../../protocol/json.ts';
import { signalHeaders } from '../../protocol/reply.ts';
import type { Cancel, Demand, Hello } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { brokerUnavailable } from '../failures.ts';
import type { CallRequest } from './contract.ts';

export interface SenderOptions {
  readonly gateway: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
}

/** All that dispatch publishes. */
export class Sender {
  readonly #options: SenderOptions;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** Pushes a call to the private subject of a worker; why it could not be sent, if so. */
  push(call: CallRequest, worker: string, reply: string): CallError | undefined {
    return this.#publishCall(call, this.#options.subjects.work(worker, call.fn), reply);
  }

  /** Sends a call to whoever listens on the shared subject of its function; why it could not be sent, if so. */
  broadcast(call: CallRequest, reply: string): CallError | undefined {
    return this.#publishCall(call, this.#options.subjects.call(call.fn), reply);
  }

  /**
   * Answers a pull with a call, whose result goes to `reply`; `parked` is how many more wait. Returns why it could
   * not be sent, if so.
   */
  answerPull(call: CallRequest, pullReply: string, reply: string, parked: number): CallError | undefined {
    return this.#publishCall(call, pullReply, reply, { replyTo: reply, parked });
  }

  /** Answers a pull: nothing is parked. */
  empty(reply: string): void {
    this.#options.bus.publish(reply, NO_DATA, { headers: signalHeaders('empty') });
  }

  /** Announces to the workers of a group that calls wait here. */
  demand(fn: string, group: string, parked: number, free: number): void {
    const { gateway, bus, clock, subjects } = this.#options;
    const demand: Demand = { gateway, parked, at: clock.wall(), free };
    bus.publish(subjects.demand(fn, group), encodeJson(demand));
  }

  /** Cancels a call at a worker, since the caller left. */
  cancel(worker: string, callId: string): void {
    const { bus, subjects } = this.#options;
    const cancel: Cancel = { call: callId, reason: 'the caller left' };
    bus.publish(subjects.cancel(worker), encodeJson(cancel));
  }

  /** Asks a worker whether it lives; any answer on `reply` says so. */
  probe(worker: string, fn: string, reply: string): void {
    const { gateway, bus, clock, subjects } = this.#options;
    bus.publish(subjects.work(worker, fn), NO_DATA, {
      reply,
      headers: probeHeaders(randomToken(), gateway, clock.wall()),
    });
  }

  /** Asks all workers for their state. */
  hello(): void {
    const { gateway, bus, clock, subjects } = this.#options;
    const hello: Hello = { gateway, at: clock.wall() };
    bus.publish(subjects.hello(), encodeJson(hello));
  }

  /** Publishes a call; why it could not, if so. */
  #publishCall(
    { callId, body, headers, deadlineAt }: CallRequest,
    subject: string,
    reply: string,
    pulled: { replyTo?: string; parked?: number } = {},
  ): CallError | undefined {
    const { gateway, bus, clock } = this.#options;
    const timeoutMs = deadlineAt - clock.now();
    const envelope = { callId, gateway, timeoutMs, deadlineWall: clock.wall() + timeoutMs, ...pulled };
    try {
      // The one line that publishes a call.
      bus.publish(subject, body, { reply, headers: callHeaders(envelope, headers) });
      return undefined;
    } catch (error) {
      return brokerUnavailable(error);
    }
  }
}
