import { type Agent, type IncomingMessage, request } from 'node:http';
import type { Started } from '../protocol/codes.ts';
import { PROBLEM_CONTENT_TYPE } from '../protocol/problem.ts';

/** What became of a POST, as far as its caller can see. */
export interface PostResult {
  /** HTTP status; 0 = the connection ended without a whole answer. */
  readonly status: number;
  /**
   * `ok` for a status of 2xx; else the code of the problem document, `http_<status>` when there is none. With
   * status 0 what befell the connection: `ECONNREFUSED`, `ECONNRESET`, ..., `no_answer`, `aborted`.
   */
  readonly code: string;
  /** What a problem document says of it. */
  readonly started?: Started;
  /** `Retry-After`, in seconds. */
  readonly retryAfterS?: number;
  /** `X-Worker`. */
  readonly worker?: string;
}

/** What to send, and how long to wait. */
export interface PostOptions {
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | undefined;
  /** Without a whole answer after this many milliseconds the call is given up as `no_answer`. */
  readonly limitMs: number;
}

/** A larger problem document is none: whatever a server sends, it does not fill the memory. */
const MAX_PROBLEM_BYTES = 65_536;
const STARTED: readonly unknown[] = ['no', 'yes', 'unknown'] satisfies Started[];

/**
 * Sends a POST. `onAnswer` is called once, at the end of the answer or when there will be none; bodies are read and
 * dropped. Returns how to give the call up: it then ends at once, as `aborted`.
 */
export function post(url: URL, options: PostOptions, onAnswer: (answer: PostResult) => void): () => void {
  const { agent, headers, body, limitMs } = options;
  let isSettled = false;
  const settle = (answer: PostResult): void => {
    if (isSettled) return;
    isSettled = true;
    clearTimeout(limit);
    onAnswer(answer);
  };
  const giveUp = (code: string): void => {
    settle({ status: 0, code });
    outgoing.destroy();
  };
  const length = String(body === undefined ? 0 : Buffer.byteLength(body));
  const outgoing = request(
    url,
    { method: 'POST', agent, headers: { 'Content-Length': length, ...headers } },
    (incoming) => {
      readAnswer(incoming, settle);
    },
  );
  const limit = setTimeout(giveUp, limitMs, 'no_answer');
  outgoing.on('error', (error) => settle({ status: 0, code: codeOf(error) }));
  outgoing.end(body);
  return () => giveUp('aborted');
}

function readAnswer(incoming: IncomingMessage, settle: (answer: PostResult) => void): void {
  const { statusCode: status = 0, headers } = incoming;
  const isResult = status >= 200 && status < 300;
  const mediaType = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  const isProblem = !isResult && mediaType === PROBLEM_CONTENT_TYPE;
  const chunks: Buffer[] = [];
  let bytes = 0;
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isProblem && bytes <= MAX_PROBLEM_BYTES) chunks.push(chunk);
  });
  incoming.on('error', (error) => settle({ status: 0, code: codeOf(error) }));
  incoming.on('close', () => settle({ status: 0, code: 'ECONNRESET' }));
  incoming.on('end', () => {
    const problem = isProblem && bytes <= MAX_PROBLEM_BYTES ? readProblem(Buffer.concat(chunks)) : {};
    const retryAfterS = readRetryAfter(headers['retry-after']);
    const worker = headers['x-worker'];
    settle({
      status,
      code: isResult ? 'ok' : `http_${status}`,
      ...problem,
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      ...(typeof worker === 'string' ? { worker } : {}),
    });
  });
}

/** Less strict than the schema of our own gateway: any gateway may be called, a newer one may have more codes. */
function readProblem(data: Buffer): { code?: string; started?: Started } {
  let problem: unknown;
  try {
    problem = JSON.parse(data.toString());
  } catch {
    return {};
  }
  if (typeof problem !== 'object' || problem === null) return {};
  const code: unknown = Reflect.get(problem, 'code');
  const started: unknown = Reflect.get(problem, 'started');
  return {
    // It is shown at a terminal and used as a key, so it must be a plain short word.
    ...(typeof code === 'string' && /^[\w.-]{1,64}$/.test(code) ? { code } : {}),
    ...(isStarted(started) ? { started } : {}),
  };
}

function isStarted(value: unknown): value is Started {
  return STARTED.includes(value);
}

/** Seconds or a date (RFC 9110, 10.2.3); undefined for what is neither. */
function readRetryAfter(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value);
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, Math.ceil((atMs - Date.now()) / 1000));
}

function codeOf(error: Error): string {
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : 'error';
}
