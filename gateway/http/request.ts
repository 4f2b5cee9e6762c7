import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { BodyReader, BodyReceiver, TrackedRequest } from './body.ts';
import type { AnswerOwner, TrackedResponse } from './response.ts';

/** One HTTP request as the routes need it, read from its socket and answered on it without web streams. */
export class HttpRequest {
  /** Path as it was sent: not decoded, not normalised, without the query. */
  readonly path: string;
  readonly #incoming: TrackedRequest;
  readonly #outgoing: TrackedResponse;
  readonly #bodies: BodyReader;

  constructor(incoming: TrackedRequest, outgoing: TrackedResponse, bodies: BodyReader) {
    this.path = pathOf(incoming.url ?? '/');
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#bodies = bodies;
  }

  /** The caller's own id, or one that was made for it. */
  get id(): string {
    return this.#outgoing.requestId;
  }

  get method(): string {
    return this.#incoming.method ?? '';
  }

  /** Lower-case names; repeated fields are joined by commas (RFC 9110, 5.3). */
  get headers(): Readonly<IncomingHttpHeaders> {
    return this.#incoming.headers;
  }

  /** The value of one header by its lower-case name. */
  header(name: string): string | undefined {
    const value = this.#incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Reads the whole body, as `BodyReader.read` does. To be called once. */
  readBody(limitBytes: number, deadlineAt: number, receiver: BodyReceiver): void {
    this.#bodies.read(this.#incoming, limitBytes, deadlineAt, receiver);
  }

  /** Whoever answers it is told when its caller leaves before the answer is sent; at once if it has left. */
  ownedBy(owner: AnswerOwner): void {
    this.#outgoing.answerOwner = owner;
    if (this.#outgoing.destroyed) owner.onCallerGone();
  }

  /** Sends the whole answer; `headers` reach the socket without a copy. An answer to a caller that left goes nowhere. */
  answer(status: number, headers: OutgoingHttpHeaders, body: Uint8Array | string | undefined): void {
    this.#incoming.body?.abandon();
    const outgoing = this.#outgoing;
    outgoing.answerOwner = undefined;
    if (outgoing.destroyed) return;
    outgoing.writeHead(status, headers);
    if (body === undefined) outgoing.end();
    else outgoing.end(body);
  }
}

function pathOf(target: string): string {
  // Absolute form (RFC 9112, 3.2.2) is for proxies; what counts here is the path after the authority.
  const authority = target.startsWith('/') ? null : /^https?:\/\/[^/?#]*/i.exec(target);
  const rest = authority === null ? target : target.slice(authority[0].length) || '/';
  const end = rest.search(/[?#]/);
  return end === -1 ? rest : rest.slice(0, end);
}
