import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { CallError } from '../../protocol/call-error.ts';

/**
 * One HTTP request as the routes need it, read from a socket without web streams, or from a Request in tests.
 */
export interface Exchange {
  /** Path as it was sent: not decoded, not normalised, without the query. */
  readonly path: string;
  /** Lower-case names; repeated fields joined by commas (RFC 9110, 5.3). */
  readonly headers: Readonly<IncomingHttpHeaders>;
  /**
   * The whole body. Rejects with `payload_too_large` as soon as more than `limitBytes` is announced or counted,
   * with `request_incomplete` at `deadlineAt` (monotonic ms), with `caller_gone` when the connection is lost.
   */
  body(limitBytes: number, deadlineAt: number): Promise<Uint8Array>;
  /** Calls `listener` once if the caller leaves before its answer is sent; at once if it has left. */
  onGone(listener: () => void): void;
}

/** Makes exchanges of the requests of one server; all body deadlines share one timer. */
export class Exchanges {
  readonly #deadlines: Deadlines<BodyRead>;

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock, (read) => read.expire());
  }

  of(incoming: IncomingMessage, outgoing: ServerResponse): Exchange {
    return new SocketExchange(incoming, outgoing, this.#deadlines);
  }
}

class SocketExchange implements Exchange {
  readonly path: string;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #deadlines: Deadlines<BodyRead>;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse, deadlines: Deadlines<BodyRead>) {
    this.path = pathOf(incoming.url ?? '/');
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#deadlines = deadlines;
  }

  get headers(): IncomingHttpHeaders {
    return this.#incoming.headers;
  }

  body(limitBytes: number, deadlineAt: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const announced = this.#incoming.headers['content-length'];
      if (announced !== undefined && Number(announced) > limitBytes) {
        reject(tooLarge(Number(announced), limitBytes));
        return;
      }
      new BodyRead(this.#incoming, limitBytes, deadlineAt, this.#deadlines, resolve, reject);
    });
  }

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

/** Collects one body, counting while it reads. */
class BodyRead implements Expiring {
  readonly deadlineAt: number;
  readonly #incoming: IncomingMessage;
  readonly #limitBytes: number;
  readonly #deadlines: Deadlines<BodyRead>;
  readonly #resolve: (body: Uint8Array) => void;
  readonly #reject: (error: CallError) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(
    incoming: IncomingMessage,
    limitBytes: number,
    deadlineAt: number,
    deadlines: Deadlines<BodyRead>,
    resolve: (body: Uint8Array) => void,
    reject: (error: CallError) => void,
  ) {
    this.#incoming = incoming;
    this.#limitBytes = limitBytes;
    this.deadlineAt = deadlineAt;
    this.#deadlines = deadlines;
    this.#resolve = resolve;
    this.#reject = reject;
    incoming.on('data', this.#onData);
    incoming.once('end', this.#onEnd);
    incoming.once('close', this.#onClose);
    incoming.once('error', this.#onClose);
    deadlines.add(this);
  }

  expire(): void {
    this.#fail(
      new CallError('request_incomplete', 'the body was not complete when the budget of the call ran out'),
    );
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#limitBytes) this.#fail(tooLarge(this.#bytes, this.#limitBytes));
    else this.#chunks.push(chunk);
  };

  readonly #onEnd = (): void => {
    this.#finish();
    const [only] = this.#chunks;
    this.#resolve(this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks));
  };

  readonly #onClose = (): void => {
    this.#fail(
      new CallError('caller_gone', 'the caller left before its body was complete', { started: 'no' }),
    );
  };

  #fail(error: CallError): void {
    this.#finish();
    this.#reject(error);
  }

  #finish(): void {
    this.#deadlines.delete(this);
    this.#incoming.off('data', this.#onData);
    this.#incoming.off('end', this.#onEnd);
    this.#incoming.off('close', this.#onClose);
  }
}

/** An exchange of a web Request, for an app without sockets. */
export function exchangeOf(request: Request): Exchange {
  const url = request.url;
  return {
    path: pathOf(url.slice(url.indexOf('/', url.indexOf('//') + 2))),
    headers: Object.fromEntries(request.headers),
    async body(limitBytes) {
      const body = new Uint8Array(await request.arrayBuffer());
      if (body.byteLength > limitBytes) throw tooLarge(body.byteLength, limitBytes);
      return body;
    },
    onGone(listener) {
      if (request.signal.aborted) listener();
      else request.signal.addEventListener('abort', listener, { once: true });
    },
  };
}

function pathOf(target: string): string {
  // Absolute form (RFC 9112, 3.2.2) is for proxies; what counts here is the path behind the authority.
  const scheme = /^https?:\/\/[^/?#]*/i.exec(target);
  const rest = scheme === null ? target : target.slice(scheme[0].length) || '/';
  const end = rest.search(/[?#]/);
  return end === -1 ? rest : rest.slice(0, end);
}

function tooLarge(gotBytes: number, limitBytes: number): CallError {
  return new CallError(
    'payload_too_large',
    `the body has ${gotBytes} bytes or more, allowed are ${limitBytes}`,
    {
      extra: { gotBytes, limitBytes },
      headers: { Connection: 'close' },
    },
  );
}
