import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { BodyReader } from './body.ts';
import type { TrackedResponse } from './response.ts';

/** One HTTP request as the routes need it, read from its socket without web streams. */
export class HttpRequest {
  /** The caller's own id, or one that was made for it. */
  readonly id: string;
  /** Path as it was sent: not decoded, not normalised, without the query. */
  readonly path: string;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: TrackedResponse;
  readonly #bodies: BodyReader;

  constructor(incoming: IncomingMessage, outgoing: TrackedResponse, bodies: BodyReader) {
    this.id = outgoing.requestId;
    this.path = pathOf(incoming.url ?? '/');
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#bodies = bodies;
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

  /** The whole body; rejects as `BodyReader.read` does. To be called once. */
  body(limitBytes: number, deadlineAt: number): Promise<Uint8Array> {
    return this.#bodies.read(this.#incoming, limitBytes, deadlineAt);
  }

  /** Calls `listener` once if the caller leaves before its answer is sent; at once if it has left. */
  onGone(listener: () => void): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed) listener();
    else {
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) listener();
      });
    }
  }
}

function pathOf(target: string): string {
  // Absolute form (RFC 9112, 3.2.2) is for proxies; what counts here is the path after the authority.
  const authority = /^https?:\/\/[^/?#]*/i.exec(target);
  const rest = authority === null ? target : target.slice(authority[0].length) || '/';
  const end = rest.search(/[?#]/);
  return end === -1 ? rest : rest.slice(0, end);
}
