import { z } from 'zod';
import { type HeaderPairs, header, type MessageHeaders } from './headers.ts';
import { token } from './subjects.ts';

/** Budget of a call that comes without `Now-*` headers, from its receipt. */
export const PLAIN_BUDGET_MS = 5000;

/**
 * Functions faster than this (average run time in milliseconds) are worth a prefetch: one more call per slot waits
 * in the worker, where it costs less than the way of a pull. A gateway may send it, a worker may refuse it.
 */
export const PREFETCH_BELOW_MS = 5;

const unixMs = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** The headers of a call that a gateway sent, under the lower-case names that readers see. */
export const callHeadersSchema = z.object({
  'now-call': token,
  /** Unix milliseconds on the sender's clock. */
  'now-deadline': unixMs,
  /** Milliseconds of budget that were left when it was sent. */
  'now-timeout': z.coerce.number().min(0).max(86_400_000),
  'now-gateway': token,
  /** Where the result goes when the call answers a pull; else the message's own reply subject. */
  'now-reply': z
    .string()
    .min(1)
    .max(512)
    .regex(/^[^\s*>]+$/)
    .optional(),
  /** How many calls are still parked at the gateway that answers a pull. */
  'now-parked': z.coerce.number().int().min(0).optional(),
});

/** What a gateway says of a call. Times are Unix milliseconds on the gateway's clock. */
export interface CallEnvelope {
  callId: string;
  gateway: string;
  deadlineWall: number;
  timeoutMs: number;
  replyTo?: string | undefined;
  parked?: number | undefined;
}

/** The headers of an outgoing call, those of the caller behind them. */
export function callHeaders(call: CallEnvelope, forwarded: HeaderPairs): HeaderPairs {
  const pairs: (readonly [string, string])[] = [
    [header.call, call.callId],
    [header.deadline, String(Math.round(call.deadlineWall))],
    [header.timeout, String(Math.max(0, Math.round(call.timeoutMs)))],
    [header.gateway, call.gateway],
  ];
  if (call.replyTo !== undefined) pairs.push([header.reply, call.replyTo]);
  if (call.parked !== undefined) pairs.push([header.parked, String(call.parked)]);
  pairs.push(...forwarded);
  return pairs;
}

/** The headers of a probe: a call without budget, which no worker may run. `wallMs` is the sender's wall clock. */
export function probeHeaders(callId: string, gateway: string, wallMs: number): HeaderPairs {
  return callHeaders({ callId, gateway, timeoutMs: 0, deadlineWall: wallMs }, []);
}

/** What a received call says of itself; undefined for a plain requester's message. */
export function readCall(headers: MessageHeaders): CallEnvelope | undefined {
  if (headers['now-call'] === undefined) return undefined;
  const read = callHeadersSchema.safeParse(headers);
  if (!read.success) return undefined;
  return {
    callId: read.data['now-call'],
    gateway: read.data['now-gateway'],
    deadlineWall: read.data['now-deadline'],
    timeoutMs: read.data['now-timeout'],
    replyTo: read.data['now-reply'],
    parked: read.data['now-parked'],
  };
}
