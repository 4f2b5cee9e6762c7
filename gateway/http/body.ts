import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { CallError } from '../../protocol/call-error.ts';

/** Reads the bodies of one server's requests, counting while it reads. All their deadlines share one timer. */
export class BodyReader {
  readonly #deadlines: Deadlines<UnfinishedBody>;

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock, (body) => body.expire());
  }

  /**
   * The whole body. Rejects with `payload_too_large` as soon as more than `limitBytes` is announced or counted,
   * with `request_incomplete` at `deadlineAt` (monotonic ms), with `caller_gone` when the connection is lost.
   */
  read(incoming: IncomingMessage, limitBytes: number, deadlineAt: number): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const announcedBytes = Number(incoming.headers['content-length'] ?? 0);
      if (announcedBytes > limitBytes) {
        reject(bodyTooLarge(announcedBytes, limitBytes));
        return;
      }
      const body = new UnfinishedBody(incoming, limitBytes, deadlineAt, (result) => {
        this.#deadlines.delete(body);
        if (result instanceof CallError) reject(result);
        else resolve(result);
      });
      this.#deadlines.add(body);
    });
  }
}

/** The answer to a body over its limit; `gotBytes` is what was announced, or counted so far. */
export function bodyTooLarge(gotBytes: number, limitBytes: number): CallError {
  const detail = `the body must be at most ${limitBytes} bytes, got at least ${gotBytes}`;
  return new CallError('payload_too_large', detail, {
    extra: { gotBytes, limitBytes },
    headers: { Connection: 'close' },
  });
}

/** One body that is being read; calls `settle` once. */
class UnfinishedBody implements Expiring {
  readonly deadlineAt: number;
  readonly #incoming: IncomingMessage;
  readonly #limitBytes: number;
  readonly #settle: (result: Uint8Array | CallError) => void;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  constructor(
    incoming: IncomingMessage,
    limitBytes: number,
    deadlineAt: number,
    settle: (result: Uint8Array | CallError) => void,
  ) {
    this.#incoming = incoming;
    this.#limitBytes = limitBytes;
    this.deadlineAt = deadlineAt;
    this.#settle = settle;
    incoming.on('data', this.#onData);
    incoming.once('end', this.#onEnd);
    incoming.once('close', this.#onClose);
    // Never taken off: an error that nobody listens to would end the process.
    incoming.once('error', this.#onClose);
  }

  expire(): void {
    const detail = 'the body was not complete when the budget of the call ran out';
    this.#finish(new CallError('request_incomplete', detail));
  }

  readonly #onData = (chunk: Uint8Array): void => {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#limitBytes) this.#finish(bodyTooLarge(this.#bytes, this.#limitBytes));
    else this.#chunks.push(chunk);
  };

  readonly #onEnd = (): void => {
    const [only] = this.#chunks;
    this.#finish(this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks));
  };

  readonly #onClose = (): void => {
    const detail = 'the caller left before its body was complete';
    this.#finish(new CallError('caller_gone', detail, { started: 'no' }));
  };

  #finish(result: Uint8Array | CallError): void {
    this.#incoming.off('data', this.#onData);
    this.#incoming.off('end', this.#onEnd);
    this.#incoming.off('close', this.#onClose);
    this.#settle(result);
  }
}
