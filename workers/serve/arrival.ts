import type { BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Expiring } from '../../lib/deadlines.ts';
import { randomToken } from '../../lib/random-token.ts';
import { readCall } from '../../protocol/call.ts';
import { header, type MessageHeaders } from '../../protocol/headers.ts';
import type { ClockOffsets } from './clock-offset.ts';

/** A call that reached this worker, read from its headers alone; its body is not decoded. */
export interface ArrivedCall extends Expiring {
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

/** A call, or why the message must not be run as one; whoever sent it may read the reason. */
export type ReadArrival =
  | { readonly ok: true; readonly call: ArrivedCall }
  | { readonly ok: false; readonly reason: string };

/**
 * Reads a call. `replyPrefix` is where results of pulled calls may go: another subject in `Now-Reply` is ignored,
 * so that nobody can make a worker publish elsewhere.
 */
export function readArrival(
  message: BusMessage,
  clock: Clock,
  offsets: ClockOffsets,
  replyPrefix: string,
): ReadArrival {
  const headers = message.headers();
  if (headers === undefined) return { ok: false, reason: 'the headers of the call cannot be decoded' };
  const read = readCall(headers);
  if (read.kind === 'malformed') return { ok: false, reason: read.reason };
  const arrivedAt = clock.now();
  const common = { headers, body: message.data, arrivedAt };
  if (read.kind === 'plain') {
    const deadlineAt = arrivedAt + read.budgetMs;
    const call = { callId: randomToken(), isPlain: true, replyTo: message.reply, deadlineAt, parked: 0 };
    return { ok: true, call: { ...common, ...call } };
  }
  const { callId, gateway, deadlineWall, timeoutMs, replyTo, parked = 0 } = read.call;
  const ageMs = offsets.ageMs(gateway, deadlineWall - timeoutMs, clock.wall(), arrivedAt);
  const call = {
    callId,
    isPlain: false,
    replyTo: replyTo?.startsWith(replyPrefix) === true ? replyTo : message.reply,
    deadlineAt: arrivedAt + timeoutMs - ageMs,
    parked,
  };
  return { ok: true, call: { ...common, ...call } };
}

/** The caller's request id, for logs. */
export function requestIdOf(call: ArrivedCall): string | undefined {
  return call.headers[header.requestId.toLowerCase()];
}
