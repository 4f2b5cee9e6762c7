import type { HeaderPairs, MessageHeaders } from '../../protocol/headers.ts';
import { header } from '../../protocol/headers.ts';
import { encodeJson } from '../../protocol/json.ts';
import { errorHeaders, type ReplyCode } from '../../protocol/reply.ts';
import type { ErrorDescription } from './describe-error.ts';

/** One call to run. */
export interface Invocation {
  readonly callId: string;
  /** Lower-case names; `Now-*` may be among them and never reach the handler. */
  readonly headers: MessageHeaders;
  readonly body: Uint8Array;
  /** Monotonic milliseconds of the executor's clock. */
  readonly deadlineAt: number;
  /** What the completion's headers and body may take together; the worker's own headers are not counted. */
  readonly maxReplyBytes: number;
}

/** How a call ended. */
export type ExecutionOutcome =
  | 'ok'
  | 'service_error'
  | 'handler_error'
  | 'bad_reply'
  | 'invalid_input'
  | 'bad_request'
  | 'deadline'
  | 'cancelled';

/** What goes back to the caller. */
export interface Completion {
  readonly outcome: ExecutionOutcome;
  /** HTTP status. */
  readonly status: number;
  /** `Now-Status` (unless 200), `Content-Type` and `X-Fn-*` of a result; the error headers of an error. */
  readonly headers: HeaderPairs;
  readonly body: Uint8Array;
  /** What happened, for the log only. */
  readonly error?: ErrorDescription | undefined;
}

/** One place of an input or output that its schema rejects; `path` is a JSON pointer, empty for the whole. */
export interface SchemaIssue {
  readonly path: string;
  readonly message: string;
}

const NOTHING = new Uint8Array(0);

/** Milliseconds that a handler has to end after its signal fired; then it is given up. */
export const GRACE_MS = 250;

const codes: Partial<Record<ExecutionOutcome, ReplyCode>> = {
  handler_error: 'handler_error',
  bad_reply: 'bad_reply',
  invalid_input: 'invalid_input',
  bad_request: 'bad_request',
  deadline: 'deadline_exceeded',
  cancelled: 'worker_lost',
};

/** An error without a body. Callers read `message`; nobody but the log sees `error`. */
export function failed(
  outcome: Exclude<ExecutionOutcome, 'ok'>,
  status: number,
  message: string,
  error?: ErrorDescription,
): Completion {
  const headers = errorHeaders(status, message, codes[outcome], {});
  return { outcome, status, headers, body: NOTHING, ...(error === undefined ? {} : { error }) };
}

/** The handler threw: the caller learns no more than that. */
export function handlerFailed(error: ErrorDescription): Completion {
  return failed('handler_error', 500, 'the function failed', error);
}

/** What the handler returned cannot be sent; `reason` completes "the reply cannot be sent: ". */
export function badReply(reason: string, error?: ErrorDescription): Completion {
  return failed('bad_reply', 502, `the reply cannot be sent: ${reason}`, error);
}

/** The handler was given up, or never begun, because its time was over or nobody waits for it. */
export function gaveUp(outcome: 'deadline' | 'cancelled'): Completion {
  return outcome === 'deadline'
    ? failed('deadline', 504, 'the deadline of the call passed')
    : failed('cancelled', 502, 'the call was cancelled');
}

/** The input schema rejects the input: 422 with `{errors}`, as many as fit into `maxReplyBytes`. */
export function invalidInput(issues: readonly SchemaIssue[], maxReplyBytes: number): Completion {
  const plain = failed('invalid_input', 422, 'the input does not satisfy the schema of the function');
  const headers: HeaderPairs = [...plain.headers, [header.contentType, 'application/json']];
  for (const count of [100, 10, 1]) {
    const errors = issues.slice(0, count).map(({ path, message }) => ({
      path: path.slice(0, 500),
      message: message.slice(0, 500),
    }));
    const body = encodeJson({ errors });
    if (sizeOf(headers) + body.length <= maxReplyBytes) return { ...plain, headers, body };
  }
  return plain;
}

/** Bytes that headers take on NATS: a version line, a line for each, an empty line. */
export function sizeOf(headers: HeaderPairs): number {
  let bytes = 'NATS/1.0\r\n\r\n'.length;
  for (const [name, value] of headers) bytes += name.length + Buffer.byteLength(value) + ': \r\n'.length;
  return bytes;
}

/** As `sizeOf`, at most: quickly, without a look at the characters. */
export function sizeAtMost(headers: HeaderPairs): number {
  let bytes = 'NATS/1.0\r\n\r\n'.length;
  for (const [name, value] of headers) bytes += name.length + 3 * value.length + ': \r\n'.length;
  return bytes;
}
