import { IncomingMessage } from 'node:http';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { CallError } from '../../protocol/call-error.ts';

/** Who waits for a body: one of the two is called, once. */
export interface BodyReceiver {
  onBody(body: Uint8Array): void;
  onBodyFailed(error: CallError): void;
}

/** Node's request, with the body that is being read from it. */
export class TrackedRequest extends IncomingMessage {
  body: UnfinishedBody | undefined;
}

/** Reads the bodies of one server's requests, counting while it reads. All their deadlines share one timer. */
export class BodyReader {
  readonly #deadlines: Deadlines<UnfinishedBody>;

  constructor(clock: Clock) {
    this.#deadlines = new Deadlines(clock, (body) => body.expire());
  }

  /**
   * Reads the whole body. It fails with `payload_too_large` as soon as more than `limitBytes` is announced or counted,
   * and with `request_incomplete` at `deadlineAt` (monotonic ms). To be called once for a request.
   */
  read(incoming: TrackedRequest, limitBytes: number, deadlineAt: number, receiver: BodyReceiver): void {
    const announcedBytes = Number(incoming.headers['content-length'] ?? 0);
    if (announcedBytes > limitBytes) return receiver.onBodyFailed(bodyTooLarge(announcedBytes, limitBytes));
    incoming.body = new UnfinishedBody(limitBytes, deadlineAt, receiver, this.#deadlines);
    // The listeners are the same for all requests, so that none has to be made or taken off.
    incoming.on('data', onData);
    incoming.on('end', onEnd);
    // An error that nobody listens to would end the process; whoever answers learns that the caller is gone.
    incoming.on('error', ignore);
  }

  stop(): void {
    this.#deadlines.clear();
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

function onData(this: TrackedRequest, chunk: Uint8Array): void {
  this.body?.add(chunk);
}

function onEnd(this: TrackedRequest): void {
  this.body?.end();
}

function ignore(): void {}

/** One body that is being read. */
class UnfinishedBody implements Expiring {
  readonly deadlineAt: number;
  deadlineEntry: Expiring['deadlineEntry'];
  readonly #limitBytes: number;
  readonly #deadlines: Deadlines<UnfinishedBody>;
  readonly #chunks: Uint8Array[] = [];
  #receiver: BodyReceiver | undefined;
  #bytes = 0;

  constructor(
    limitBytes: number,
    deadlineAt: number,
    receiver: BodyReceiver,
    deadlines: Deadlines<UnfinishedBody>,
  ) {
    this.#limitBytes = limitBytes;
    this.deadlineAt = deadlineAt;
    this.#receiver = receiver;
    this.#deadlines = deadlines;
    deadlines.add(this);
  }

  add(chunk: Uint8Array): void {
    if (this.#receiver === undefined) return;
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#limitBytes) this.#fail(bodyTooLarge(this.#bytes, this.#limitBytes));
    else this.#chunks.push(chunk);
  }

  end(): void {
    const [only] = this.#chunks;
    this.#finish()?.onBody(
      this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks),
    );
  }

  expire(): void {
    const detail = 'the body was not complete when the budget of the call ran out';
    this.#fail(new CallError('request_incomplete', detail));
  }

  /** Nobody waits for it any more. */
  abandon(): void {
    this.#finish();
  }

  #fail(error: CallError): void {
    this.#finish()?.onBodyFailed(error);
    this.#chunks.length = 0;
  }

  #finish(): BodyReceiver | undefined {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    this.#deadlines.delete(this);
    return receiver;
  }
}
