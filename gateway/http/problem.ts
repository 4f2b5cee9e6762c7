import { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { CallError } from '../../protocol/call-error.ts';
import { PROBLEM_CONTENT_TYPE, toProblem } from '../../protocol/problem.ts';
import { acceptedRequestId } from './answer.ts';

/** The caller's own request id if it is 1-128 visible ASCII characters, else a new one. */
export function requestIdOf(incoming: IncomingMessage | undefined, newRequestId: () => string): string {
  const own = incoming?.headers['x-request-id'];
  return acceptedRequestId(typeof own === 'string' ? own : undefined) ?? newRequestId();
}

/** Answers a request with a problem document. */
export function refuse(response: ServerResponse, error: CallError, requestId: string): void {
  const body = JSON.stringify(toProblem(error, { requestId }));
  response.writeHead(error.status, headersOf(error, requestId, body));
  response.end(body);
}

/** The same answer as bytes, the last ones of a connection on which Node has no response to write to. */
export function rawAnswer(error: CallError, requestId: string): string {
  const body = JSON.stringify(toProblem(error, { requestId }));
  const headers = {
    ...headersOf(error, requestId, body),
    Date: new Date().toUTCString(),
    Connection: 'close',
  };
  const lines = Object.entries(headers);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status] ?? ''}\r\n${head}\r\n${body}`;
}

function headersOf(error: CallError, requestId: string, body: string): OutgoingHttpHeaders {
  return {
    ...error.headers,
    ...(error.retryAfterS === undefined ? {} : { 'Retry-After': String(error.retryAfterS) }),
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Request-Id': requestId,
  };
}
