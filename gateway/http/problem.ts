import { type OutgoingHttpHeaders, type ServerResponse, STATUS_CODES } from 'node:http';
import type { CallError } from '../../protocol/call-error.ts';
import { PROBLEM_CONTENT_TYPE, type ProblemContext, toProblem } from '../../protocol/problem.ts';
import type { HttpRequest } from './request.ts';

/** A problem document as it goes out, whichever way. */
interface ProblemAnswer {
  readonly status: number;
  /** A plain object, since it reaches the socket without a copy. */
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** The problem document of a failure as a web response; `headers` are added to it. */
export function problemResponse(
  error: CallError,
  context: ProblemContext,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const answer = problemAnswer(error, context, headers);
  return new Response(answer.body, { status: answer.status, headers: answer.headers });
}

/** The problem document of a failure as the answer to a request; `headers` are added to it. */
export function answerProblem(
  request: HttpRequest,
  error: CallError,
  context: ProblemContext,
  headers: Readonly<Record<string, string>>,
): void {
  const answer = problemAnswer(error, context, headers);
  request.answer(answer.status, withLength(answer), answer.body);
}

/** Answers with a problem document on which nothing else can answer. */
export function sendProblem(response: ServerResponse, error: CallError, requestId: string): void {
  const answer = problemAnswer(error, { requestId });
  response.writeHead(answer.status, withLength(answer));
  response.end(answer.body);
}

/** The same answer as raw bytes: the last ones of a connection on which Node has no response to write to. */
export function problemBytes(error: CallError, requestId: string): string {
  const answer = problemAnswer(error, { requestId });
  const headers = { ...withLength(answer), Date: new Date().toUTCString(), Connection: 'close' };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}\r\n${lines.join('')}\r\n${answer.body}`;
}

function problemAnswer(
  error: CallError,
  context: ProblemContext,
  headers: Readonly<Record<string, string>> = {},
): ProblemAnswer {
  const all: Record<string, string> = {
    ...headers,
    ...error.headers,
    'Content-Type': PROBLEM_CONTENT_TYPE,
    'Cache-Control': 'no-store',
    'X-Request-Id': context.requestId,
  };
  if (error.retryAfterS !== undefined) all['Retry-After'] = String(error.retryAfterS);
  return { status: error.status, headers: all, body: JSON.stringify(toProblem(error, context)) };
}

function withLength({ headers, body }: ProblemAnswer): OutgoingHttpHeaders {
  return { ...headers, 'Content-Length': Buffer.byteLength(body) };
}
