import { z } from 'zod';
import { type CallEnvelope, MAX_SUBJECT, MAX_TIMEOUT_MS, readEnvelope, SUBJECT } from './envelope.ts';
import { type HeaderPairs, header, type MessageHeaders } from './headers.ts';
import { token } from './subjects.ts';

/** Budget of a plain requester's call that names none, from its receipt. */
const PLAIN_BUDGET_MS = 5000;

/**
 * To functions faster than this (average run time in milliseconds) calls may be sent ahead: up to one more call per
 * slot waits in the worker, so that the slot does not stand empty for the way of a pull. A worker need not take it.
 */
export const SEND_AHEAD_BELOW_MS = 50;

const TIMEOUT_RULE = `must be a positive decimal number of milliseconds, at most ${MAX_TIMEOUT_MS}`;

/** Decimal notation only: what else JavaScript takes for a number (`1e999`, `0x10`, nothing at all) is none here. */
const timeout = z
  .string()
  .regex(/^\d+(\.\d+)?$/, TIMEOUT_RULE)
  .transform(Number)
  .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, TIMEOUT_RULE);
const WHOLE_RULE = 'must be a whole number of at most 15 digits';
const whole = z
  .string()
  .regex(/^\d{1,15}$/, WHOLE_RULE)
  .transform(Number);
const subject = z.string().min(1).max(MAX_SUBJECT).regex(SUBJECT, 'must be a subject without wildcards');

/** The headers of a call that a gateway sent, under the lower-case names that readers see. */
export const callHeadersSchema = z.object({
  'now-call': token,
  /** Unix milliseconds on the sender's clock. */
  'now-deadline': whole,
  /** Milliseconds of budget that were left when it was sent. */
  'now-timeout': timeout,
  'now-gateway': token,
  /** Where the result goes when the call answers a pull; else the message's own reply subject. */
  'now-reply': subject.optional(),
  /** How many calls are still parked at the gateway that answers a pull. */
  'now-parked': whole.optional(),
});

/** Of a plain requester's message only this header is read. */
const plainHeadersSchema = z.object({ 'now-timeout': timeout.optional() });

/** What a received message is: a gateway's call, a plain requester's, or one that must not be run. */
export type ReceivedCall =
  | { readonly kind: 'gateway'; readonly call: CallEnvelope }
  | { readonly kind: 'plain'; readonly budgetMs: number }
  | { readonly kind: 'malformed'; readonly reason: string };

/** The headers of an outgoing call, those of the caller behind them. */
export function callHeaders(call: CallEnvelope, forwarded: HeaderPairs): HeaderPairs {
  // Rounded to 0 it would be a probe.
  const timeoutMs = Math.max(1, Math.round(call.timeoutMs));
  const pairs = envelopeHeaders(call.callId, call.gateway, call.deadlineWall, timeoutMs);
  if (call.replyTo !== undefined) pairs.push([header.reply, call.replyTo]);
  if (call.parked !== undefined) pairs.push([header.parked, String(call.parked)]);
  pairs.push(...forwarded);
  return pairs;
}

/**
 * The headers of a probe: a call without budget, sent to a worker's own subject to see whether it lives. It is never
 * run; any answer, the refusal as malformed among them, is a sign of life.
 */
export function probeHeaders(callId: string, gateway: string, wallMs: number): HeaderPairs {
  return envelopeHeaders(callId, gateway, wallMs, 0);
}

/** Tells what a message is by its headers: with `Now-Call` a gateway's call, all of whose headers must be valid. */
export function readCall(headers: MessageHeaders): ReceivedCall {
  if (headers['now-call'] === undefined) {
    // Most plain requesters send no header at all.
    if (headers['now-timeout'] === undefined) return { kind: 'plain', budgetMs: PLAIN_BUDGET_MS };
    const plain = plainHeadersSchema.safeParse(headers);
    if (!plain.success) return malformed(plain.error, headers);
    return { kind: 'plain', budgetMs: plain.data['now-timeout'] ?? PLAIN_BUDGET_MS };
  }
  const envelope = readEnvelope(headers);
  if (envelope !== undefined) return { kind: 'gateway', call: envelope };
  const read = callHeadersSchema.safeParse(headers);
  if (!read.success) return malformed(read.error, headers);
  const call = {
    callId: read.data['now-call'],
    gateway: read.data['now-gateway'],
    deadlineWall: read.data['now-deadline'],
    timeoutMs: read.data['now-timeout'],
    replyTo: read.data['now-reply'],
    parked: read.data['now-parked'],
  };
  return { kind: 'gateway', call };
}

function envelopeHeaders(
  callId: string,
  gateway: string,
  deadlineWall: number,
  timeoutMs: number,
): (readonly [string, string])[] {
  return [
    [header.call, callId],
    [header.deadline, String(Math.round(deadlineWall))],
    [header.timeout, String(timeoutMs)],
    [header.gateway, gateway],
  ];
}

function malformed(error: z.ZodError, headers: MessageHeaders): ReceivedCall {
  const [issue] = error.issues;
  const name = String(issue?.path[0]);
  const spelled = Object.values(header).find((one) => one.toLowerCase() === name) ?? name;
  const value = headers[name];
  const reason =
    value === undefined
      ? `${spelled} is missing`
      : `${spelled} ${JSON.stringify(value.slice(0, 50))} ${issue?.message}`;
  return { kind: 'malformed', reason };
}
