import type { CallResult } from '../dispatch/contract.ts';

/** The function's answer as a response: status, type, `X-Fn-*` and body are its own; `headers` are added to it. */
export function answerResponse(
  answer: CallResult,
  requestId: string,
  elapsedMs: number,
  headers: Readonly<Record<string, string>>,
): Response {
  // A plain object, since it reaches the socket without a copy.
  const all: Record<string, string> = { ...headers, ...answer.headers, 'X-Request-Id': requestId };
  if (answer.worker !== undefined) all['X-Worker'] = answer.worker;
  all['Server-Timing'] = serverTiming(answer.queueMs, answer.workMs, elapsedMs);
  const hasNoBody = answer.status === 204 || answer.status === 205 || answer.status === 304;
  if (!hasNoBody) all['Content-Type'] = answer.contentType;
  return new Response(hasNoBody ? null : bytesOf(answer.body), { status: answer.status, headers: all });
}

/** Server-Timing (W3C): time that is neither queueing nor work was spent between gateway and worker. */
function serverTiming(queueMs: number, workMs: number, elapsedMs: number): string {
  const natsMs = Math.max(0, elapsedMs - queueMs - workMs);
  return `queue;dur=${queueMs.toFixed(1)}, work;dur=${workMs.toFixed(1)}, nats;dur=${natsMs.toFixed(1)}`;
}

/** The bytes of a message are never in a SharedArrayBuffer, which the types of Response exclude. */
function bytesOf(body: Uint8Array): Uint8Array<ArrayBuffer> {
  return body as Uint8Array<ArrayBuffer>;
}
