import type { CallError } from '../../protocol/call-error.ts';
import { PROBLEM_CONTENT_TYPE, type ProblemContext, toProblem } from '../../protocol/problem.ts';
import type { CallResult } from '../dispatch/contract.ts';

/** Headers of an answer by name; plain objects, since those reach the socket without copies. */
export type AnswerHeaders = Record<string, string>;

/** A failure as a response: the problem document and the headers that belong to it. */
export function problemResponse(
  error: CallError,
  context: ProblemContext,
  headers: AnswerHeaders = {},
): Response {
  const all: AnswerHeaders = {
    ...headers,
    ...error.headers,
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    'X-Request-Id': context.requestId,
  };
  if (error.retryAfterS !== undefined) all['Retry-After'] = String(error.retryAfterS);
  return new Response(JSON.stringify(toProblem(error, context)), { status: error.status, headers: all });
}

/** The function's answer as a response: status, type, `X-Fn-*` and body are its own. */
export function answerResponse(
  answer: CallResult,
  requestId: string,
  elapsedMs: number,
  headers: AnswerHeaders,
): Response {
  const all: AnswerHeaders = { ...headers, ...answer.headers, 'X-Request-Id': requestId };
  if (answer.worker !== undefined) all['X-Worker'] = answer.worker;
  all['Server-Timing'] = serverTiming(answer.queueMs, answer.workMs, elapsedMs);
  const isBodiless = answer.status === 204 || answer.status === 205 || answer.status === 304;
  if (!isBodiless) all['Content-Type'] = answer.contentType;
  return new Response(isBodiless ? null : bytesOf(answer.body), { status: answer.status, headers: all });
}

/** Server-Timing (W3C): what is neither queueing nor work was spent on the way. */
function serverTiming(queueMs: number, workMs: number, elapsedMs: number): string {
  const natsMs = Math.max(0, elapsedMs - queueMs - workMs);
  return `queue;dur=${queueMs.toFixed(1)}, work;dur=${workMs.toFixed(1)}, nats;dur=${natsMs.toFixed(1)}`;
}

/** The message's bytes lie in an ArrayBuffer, which the types of Response ask for. */
function bytesOf(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return body as Uint8Array<ArrayBuffer>;
}

/** The request id of a caller if it is 1-128 visible ASCII characters, else undefined. */
export function acceptedRequestId(value: string | undefined): string | undefined {
  return value !== undefined && /^[\x21-\x7e]{1,128}$/.test(value) ? value : undefined;
}
