import type { CallResult } from '../dispatch/contract.ts';
import type { HttpRequest } from './request.ts';

/** The function's answer: status, type, `X-Fn-*` and body are its own; `headers` are added to it. */
export function answerResult(
  request: HttpRequest,
  result: CallResult,
  elapsedMs: number,
  headers: Readonly<Record<string, string>>,
): void {
  const all: Record<string, string | number> = { ...headers, ...result.headers, 'X-Request-Id': request.id };
  if (result.worker !== undefined) all['X-Worker'] = result.worker;
  all['Server-Timing'] = serverTiming(result.queueMs, result.workMs, elapsedMs);
  if (result.status === 204 || result.status === 205 || result.status === 304) {
    return request.answer(result.status, all, undefined);
  }
  all['Content-Type'] = result.contentType;
  all['Content-Length'] = result.body.byteLength;
  request.answer(result.status, all, result.body);
}

/** Server-Timing (W3C): time that is neither queueing nor work was spent between gateway and worker. */
function serverTiming(queueMs: number, workMs: number, elapsedMs: number): string {
  const natsMs = Math.max(0, elapsedMs - queueMs - workMs);
  return `queue;dur=${queueMs.toFixed(1)}, work;dur=${workMs.toFixed(1)}, nats;dur=${natsMs.toFixed(1)}`;
}
