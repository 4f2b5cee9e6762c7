import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { type Problem, problemSchema } from '../../protocol/problem.ts';

/** An answer, read to its end. */
export class HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly elapsedMs: number;

  constructor(status: number, headers: IncomingHttpHeaders, body: Buffer, elapsedMs: number) {
    this.status = status;
    this.headers = headers;
    this.body = body;
    this.elapsedMs = elapsedMs;
  }

  get text(): string {
    return this.body.toString('utf8');
  }

  /** The body as JSON; throws when it is none. */
  get json(): unknown {
    return JSON.parse(this.text);
  }

  /** The body as a problem document; throws when it is none, or when its status is another. */
  get problem(): Problem {
    if (this.headers['content-type'] !== 'application/problem+json') {
      throw new Error(`no problem document but ${this.status} ${this.headers['content-type']}: ${this.text}`);
    }
    const problem = problemSchema.parse(this.json);
    if (problem.status !== this.status) throw new Error(`${problem.status} in the body of a ${this.status}`);
    return problem;
  }
}

/** What is sent. */
export interface SentRequest {
  method?: string;
  body?: string | Uint8Array;
  headers?: OutgoingHttpHeaders;
  /** Its abort closes the connection, as a caller does that leaves. */
  signal?: AbortSignal;
}

const ANSWER_LIMIT_MS = 40_000;

/**
 * The server closed an idle connection while a request was on its way there: nothing of it can have been taken.
 * (That this is so is for the ledger to prove.)
 */
class StaleConnection extends Error {
  override readonly name = 'StaleConnection';
  readonly code = 'STALE_CONNECTION';

  constructor(cause: unknown) {
    super('the connection was closed before the request arrived', { cause });
  }
}

/** Looks at an answer; what it throws fails the request. */
export type AnswerCheck = (method: string, path: string, answer: HttpAnswer) => void;

/** A caller of one gateway that keeps its connections alive, unless told not to; as many requests at once as are made. */
export class HttpClient {
  readonly port: number;
  readonly #check: AnswerCheck;
  readonly #agent: Agent;

  constructor(port: number, check: AnswerCheck = () => {}, keepAlive = true) {
    this.port = port;
    this.#check = check;
    this.#agent = new Agent({ keepAlive, maxFreeSockets: 1000 });
  }

  /** Rejects when the connection fails or the check throws; every other answer resolves, whatever its status. */
  async send(path: string, options: SentRequest = {}): Promise<HttpAnswer> {
    const answer = await this.#request(path, options);
    this.#check(options.method ?? 'POST', path, answer);
    return answer;
  }

  #request(path: string, { method = 'POST', body, headers = {}, signal }: SentRequest): Promise<HttpAnswer> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const own = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
      const outgoing = request(
        {
          host: '127.0.0.1',
          port: this.port,
          path,
          method,
          agent: this.#agent,
          headers: { ...own, ...headers },
          signal,
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
          incoming.once('error', reject);
          incoming.once('end', () => {
            const elapsedMs = performance.now() - startedAt;
            resolve(
              new HttpAnswer(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks), elapsedMs),
            );
          });
        },
      );
      outgoing.setTimeout(ANSWER_LIMIT_MS, () =>
        outgoing.destroy(new Error(`no answer in ${ANSWER_LIMIT_MS} ms`)),
      );
      outgoing.once('error', (error: NodeJS.ErrnoException) => {
        const isStale = outgoing.reusedSocket && error.code === 'ECONNRESET';
        reject(isStale ? new StaleConnection(error) : error);
      });
      outgoing.end(body);
    });
  }

  /** Calls a function with a JSON input. */
  call(
    fn: string,
    input: unknown,
    headers: OutgoingHttpHeaders = {},
    signal?: AbortSignal,
  ): Promise<HttpAnswer> {
    return this.send(`/functions/${fn}`, {
      body: JSON.stringify(input),
      headers: { 'Content-Type': 'application/json', ...headers },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A client whose connections are closed with the test. */
export function httpClient(
  t: TestContext,
  port: number,
  check?: AnswerCheck,
  keepAlive?: boolean,
): HttpClient {
  const client = new HttpClient(port, check, keepAlive);
  t.after(() => client.close());
  return client;
}

/** Writes exact bytes on a connection of its own: what no HTTP library would send. */
export class RawConnection {
  readonly #socket;
  #received = Buffer.alloc(0);
  #isClosed = false;
  #onChange: () => void = () => {};

  constructor(t: TestContext, port: number) {
    this.#socket = connect({ host: '127.0.0.1', port });
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#onChange();
    });
    this.#socket.on('error', () => {});
    this.#socket.once('close', () => {
      this.#isClosed = true;
      this.#onChange();
    });
    t.after(() => this.#socket.destroy());
  }

  /** Sends bytes; text is sent as Latin-1, one byte for each character. */
  write(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next whole answer (with Content-Length); rejects when the connection ends before, or after `limitMs`. */
  answer(limitMs = 10_000): Promise<HttpAnswer> {
    const startedAt = performance.now();
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => fail(`no answer within ${limitMs} ms`), limitMs);
      const fail = (reason: string): void => {
        clearTimeout(limit);
        this.#onChange = () => {};
        reject(
          new Error(`${reason}; got ${JSON.stringify(this.#received.toString('latin1').slice(0, 500))}`),
        );
      };
      this.#onChange = () => {
        const answer = this.#takeAnswer(performance.now() - startedAt);
        if (answer === undefined) {
          if (this.#isClosed) fail('the connection was closed');
          return;
        }
        clearTimeout(limit);
        this.#onChange = () => {};
        resolve(answer);
      };
      this.#onChange();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #takeAnswer(elapsedMs: number): HttpAnswer | undefined {
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return undefined;
    const [statusLine = '', ...lines] = this.#received.subarray(0, headEnd).toString('latin1').split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines)
      headers[line.slice(0, line.indexOf(':')).toLowerCase()] = line.slice(line.indexOf(':') + 1).trim();
    const end = headEnd + 4 + Number(headers['content-length'] ?? 0);
    if (this.#received.length < end) return undefined;
    const body = this.#received.subarray(headEnd + 4, end);
    this.#received = this.#received.subarray(end);
    return new HttpAnswer(Number(statusLine.split(' ')[1]), headers, body, elapsedMs);
  }
}

/** Sends one request of exact bytes and resolves with its answer. */
export function sendRaw(t: TestContext, port: number, bytes: string | Uint8Array): Promise<HttpAnswer> {
  const connection = new RawConnection(t, port);
  connection.write(bytes);
  return connection.answer().finally(() => connection.destroy());
}
