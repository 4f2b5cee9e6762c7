import type { BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Expiring } from '../../lib/deadlines.ts';
import { randomToken } from '../../lib/random-token.ts';
import { PLAIN_BUDGET_MS, readCall } from '../../protocol/call.ts';
import { header, type MessageHeaders } from '../../protocol/headers.ts';
import type { ClockOffsets } from './clock-offset.ts';

/** A call that reached this worker, judged by its headers alone; its body is not decoded. */
export interface Arrival extends Expiring {
  readonly callId: string;
  /** From anybody, not from a gateway: it cannot be parked elsewhere, and knows no signals. */
  readonly isPlain: boolean;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** undefined when the sender wants no answer. */
  readonly replyTo: string | undefined;
  /** Monotonic milliseconds, as is `deadlineAt`. */
  readonly arrivedAt: number;
  /** How many calls are still parked at the gateway that answered a pull. */
  readonly parked: number;
}

/**
 * Reads a call. `replyPrefix` is where results of pulled calls may go: another subject in `Now-Reply` is ignored,
 * so that nobody can make a worker publish elsewhere. Undefined when its headers cannot be decoded.
 */
export function readArrival(
  message: BusMessage,
  clock: Clock,
  offsets: ClockOffsets,
  replyPrefix: string,
): Arrival | undefined {
  const headers = message.headers();
  if (headers === undefined) return undefined;
  const arrivedAt = clock.now();
  const call = readCall(headers);
  const common = { headers, body: message.data, arrivedAt };
  if (call === undefined) {
    const callId = randomToken();
    const deadlineAt = arrivedAt + PLAIN_BUDGET_MS;
    return { ...common, callId, isPlain: true, replyTo: message.reply, deadlineAt, parked: 0 };
  }
  const sentWall = call.deadlineWall - call.timeoutMs;
  const ageMs = offsets.ageMs(call.gateway, sentWall, clock.wall(), arrivedAt);
  const replyTo = call.replyTo?.startsWith(replyPrefix) === true ? call.replyTo : message.reply;
  return {
    ...common,
    callId: call.callId,
    isPlain: false,
    replyTo,
    deadlineAt: arrivedAt + call.timeoutMs - ageMs,
    parked: call.parked ?? 0,
  };
}

/** The caller's request id, for logs. */
export function requestIdOf(arrival: Arrival): string | undefined {
  return arrival.headers[header.requestId.toLowerCase()];
}
