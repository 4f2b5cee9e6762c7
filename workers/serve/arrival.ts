import type { BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Expiring } from '../../lib/deadlines.ts';
import { randomToken } from '../../lib/random-token.ts';
import { readCall } from '../../protocol/call.ts';
import { header, type MessageHeaders } from '../../protocol/headers.ts';
import type { ClockOffsets } from './clock-offset.ts';

const REQUEST_ID = header.requestId.toLowerCase();

/** A call that reached this worker, read from its headers alone; its body is not decoded. */
export class ArrivedCall implements Expiring {
  readonly callId: string;
  /** From anybody, not from a gateway: it cannot be parked elsewhere, and knows no signals. */
  readonly isPlain: boolean;
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** undefined when the sender wants no answer. */
  readonly replyTo: string | undefined;
  /** Monotonic milliseconds, as is `deadlineAt`. */
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  /** How many calls are still parked at the gateway that answered a pull. */
  readonly parked: number;
  deadlineEntry: Expiring['deadlineEntry'];

  constructor(
    { data }: BusMessage,
    headers: MessageHeaders,
    arrivedAt: number,
    read: Pick<ArrivedCall, 'callId' | 'isPlain' | 'replyTo' | 'deadlineAt' | 'parked'>,
  ) {
    this.callId = read.callId;
    this.isPlain = read.isPlain;
    this.headers = headers;
    this.body = data;
    this.replyTo = read.replyTo;
    this.arrivedAt = arrivedAt;
    this.deadlineAt = read.deadlineAt;
    this.parked = read.parked;
    this.deadlineEntry = undefined;
  }

  /** The caller's request id, for logs. */
  get requestId(): string | undefined {
    return this.headers[REQUEST_ID];
  }
}

/** A call, or why the message must not be run as one; whoever sent it may read the reason. */
export type ReadArrival =
  | { readonly ok: true; readonly call: ArrivedCall }
  | { readonly ok: false; readonly reason: string };

/** What reading a call needs. */
export interface ArrivalReader {
  readonly clock: Clock;
  readonly offsets: ClockOffsets;
  /** Where results of pulled calls may go: elsewhere nobody can make a worker publish. */
  readonly replyPrefix: string;
}

/** Reads a call that arrived at `now`. A subject in `Now-Reply` that is not under the prefix is ignored. */
export function readArrival(
  message: BusMessage,
  now: number,
  { clock, offsets, replyPrefix }: ArrivalReader,
): ReadArrival {
  const headers = message.headers();
  if (headers === undefined) return { ok: false, reason: 'the headers of the call cannot be decoded' };
  const read = readCall(headers);
  if (read.kind === 'malformed') return { ok: false, reason: read.reason };
  if (read.kind === 'plain') {
    const deadlineAt = now + read.budgetMs;
    const call = { callId: randomToken(), isPlain: true, replyTo: message.reply, deadlineAt, parked: 0 };
    return { ok: true, call: new ArrivedCall(message, headers, now, call) };
  }
  const { callId, gateway, deadlineWall, timeoutMs, replyTo, parked = 0 } = read.call;
  const ageMs = offsets.ageMs(gateway, deadlineWall - timeoutMs, clock.wall(), now);
  const call = {
    callId,
    isPlain: false,
    replyTo: replyTo?.startsWith(replyPrefix) === true ? replyTo : message.reply,
    deadlineAt: now + timeoutMs - ageMs,
    parked,
  };
  return { ok: true, call: new ArrivedCall(message, headers, now, call) };
}
