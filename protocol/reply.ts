import { z } from 'zod';
import { CallError } from './call-error.ts';
import { type HeaderPairs, header, type MessageHeaders } from './headers.ts';
import { token } from './subjects.ts';
import { readUsualReply } from './usual-reply.ts';

/** Replies that say that the call was not run, and (`empty`) that a pull finds nothing. */
export const signalSchema = z.enum(['busy', 'expired', 'draining', 'empty']);
export type Signal = z.infer<typeof signalSchema>;

/** Why a worker did not run a call. */
export type NotRunSignal = Exclude<Signal, 'empty'>;

/** Kinds of error that a worker names in `Now-Code`, so that the gateway need not guess from the status. */
export const replyCodeSchema = z.enum([
  'handler_error',
  'bad_reply',
  'invalid_input',
  'bad_request',
  /** The handler was given up at the call's deadline. */
  'deadline_exceeded',
  /** The worker ended before its handler did. */
  'worker_lost',
]);
export type ReplyCode = z.infer<typeof replyCodeSchema>;

const milliseconds = z.coerce.number().min(0).max(86_400_000);

/** What a worker tells about itself and the call in every reply; all of it may be missing. */
export const replyHeadersSchema = z.object({
  'now-worker': token.optional(),
  'now-group': token.optional(),
  'now-free': z.coerce.number().int().min(0).optional(),
  'now-service-ms': milliseconds.optional(),
  'now-wait-ms': milliseconds.optional(),
  'now-work-ms': milliseconds.optional(),
  'now-signal': signalSchema.optional(),
  'now-status': z.coerce.number().int().min(200).max(599).optional(),
  'now-code': z.string().optional(),
  'nats-service-error-code': z.string().optional(),
  'nats-service-error': z.string().optional(),
});

/** Who replied and how it fares; times in milliseconds. */
export interface WorkerReport {
  worker?: string | undefined;
  group?: string | undefined;
  /** Free slots for this function. */
  free?: number | undefined;
  /** Moving average of one call's run time. */
  serviceMs?: number | undefined;
  /** This call's time in the worker before it ran. */
  waitMs?: number | undefined;
  /** This call's run time. */
  workMs?: number | undefined;
}

/** A reply, read from its headers alone. */
export type WorkerReply = WorkerReport &
  (
    | { kind: 'signal'; signal: Signal }
    | { kind: 'result'; status: number }
    | { kind: 'error'; status: number; code: ReplyCode | undefined; message: string }
  );

/**
 * Reads a reply. Throws a CallError `bad_reply` for an unknown signal, a status that is none, or a value
 * that is not of its form.
 */
export function readReply(headers: MessageHeaders): WorkerReply {
  return readUsualReply(headers) ?? readReplyBySchema(headers);
}

/** The same, by the schema alone. */
export function readReplyBySchema(headers: MessageHeaders): WorkerReply {
  const read = replyHeadersSchema.safeParse(headers);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new CallError(
      'bad_reply',
      `the reply's header ${String(issue?.path[0])} is not valid: ${issue?.message}`,
    );
  }
  const h = read.data;
  const report: WorkerReport = {
    worker: h['now-worker'],
    group: h['now-group'],
    free: h['now-free'],
    serviceMs: h['now-service-ms'],
    waitMs: h['now-wait-ms'],
    workMs: h['now-work-ms'],
  };
  if (h['now-signal'] !== undefined) return { ...report, kind: 'signal', signal: h['now-signal'] };
  const errorCode = h['nats-service-error-code'];
  if (errorCode === undefined) return { ...report, kind: 'result', status: h['now-status'] ?? 200 };
  if (!/^[45]\d\d$/.test(errorCode)) {
    throw new CallError('bad_reply', `the reply's ${header.serviceErrorCode} must be 400 to 599`);
  }
  const code = replyCodeSchema.safeParse(h['now-code']);
  return {
    ...report,
    kind: 'error',
    status: Number(errorCode),
    code: code.success ? code.data : undefined,
    message: h['nats-service-error'] ?? '',
  };
}

/** Whether the answer to a pull (its headers) says that nothing is parked. */
export function isEmptyAnswer(headers: MessageHeaders | undefined): boolean {
  return headers?.['now-signal'] === 'empty';
}

/** The headers in which a worker reports on itself and the call, behind `own`. */
export function reportHeaders(report: WorkerReport, own: HeaderPairs = []): HeaderPairs {
  const pairs = own.slice();
  if (report.worker !== undefined) pairs.push([header.worker, report.worker]);
  if (report.group !== undefined) pairs.push([header.group, report.group]);
  if (report.free !== undefined) pairs.push([header.free, String(report.free)]);
  if (report.serviceMs !== undefined) pairs.push([header.serviceMs, tenths(report.serviceMs)]);
  if (report.waitMs !== undefined) pairs.push([header.waitMs, tenths(report.waitMs)]);
  if (report.workMs !== undefined) pairs.push([header.workMs, tenths(report.workMs)]);
  return pairs;
}

/** A reply that says that the call was not run, and why. */
export function signalHeaders(signal: Signal, report: WorkerReport = {}): HeaderPairs {
  return reportHeaders(report, [[header.signal, signal]]);
}

/** An error reply; `message` may be read by callers and must be one line (see `oneLine`). */
export function errorHeaders(
  status: number,
  message: string,
  code: ReplyCode | undefined,
  report: WorkerReport,
): HeaderPairs {
  const pairs: (readonly [string, string])[] = [
    [header.serviceErrorCode, String(status)],
    [header.serviceError, oneLine(message)],
  ];
  if (code !== undefined) pairs.push([header.code, code]);
  return reportHeaders(report, pairs);
}

/** Milliseconds with one digit behind the point. `toFixed` is exact about halves, which costs three times as much. */
function tenths(ms: number): string {
  const all = Math.round(ms * 10);
  const whole = Math.floor(all / 10);
  return `${whole}.${all - whole * 10}`;
}

/** Foreign text made fit for a header: control characters become spaces, at most 1,000 characters. */
export function oneLine(text: string): string {
  return text
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .slice(0, 1000)
    .trim();
}
