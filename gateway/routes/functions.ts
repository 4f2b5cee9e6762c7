import type { Bus } from '../../lib/bus.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';
import { brokerUnavailable, draining, overloaded } from '../failures.ts';
import type { HttpRequest } from '../http/request.ts';
import { type CallAdmission, type CallServices, FunctionCall } from './function-call.ts';

/** What the headers that the gateway adds may need in the message; counts towards the broker's max_payload. */
const ENVELOPE_BYTES = 512;

/** What function calls need. */
export interface FunctionCallsOptions extends CallServices {
  bus: Bus;
  /** Largest body in bytes; undefined = what the broker's max_payload leaves. */
  maxBodyBytes: number | undefined;
  /** How many calls this gateway holds at once; more are refused. */
  maxInFlight: number;
  isDraining: () => boolean;
}

/**
 * `POST /functions/<name>`: calls a function and answers with its result, or with a problem. The calls of one gateway,
 * with what they share. They are answered on the socket, without the web's Request and Response, which would be half
 * of what a call costs here.
 */
export class FunctionCalls implements CallAdmission {
  readonly #options: FunctionCallsOptions;
  #inFlight = 0;

  constructor(options: FunctionCallsOptions) {
    this.#options = options;
  }

  /** Never throws: every failure is an answer. */
  answer(request: HttpRequest): void {
    this.#inFlight++;
    new FunctionCall(request, this.#options, this).begin();
  }

  /** A call has its answer. */
  ended(): void {
    this.#inFlight--;
  }

  /** Throws for a request that this gateway does not take, before its body is read. */
  admit(request: HttpRequest): void {
    const { isDraining, bus, maxInFlight, overload } = this.#options;
    if (isDraining()) throw draining();
    if (!bus.connected) throw brokerUnavailable();
    const encoding = request.header('content-encoding');
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
      throw new CallError('unsupported_media_type', 'Content-Encoding is not supported; send the plain body');
    }
    if (this.#inFlight > maxInFlight) {
      const detail = `this gateway is at its limit of ${maxInFlight} concurrent calls`;
      throw new CallError('saturated', detail, { retryAfterS: 1 });
    }
    if (overload.refuses(this.#inFlight)) throw overloaded();
  }

  /** Body and headers share one message, so the headers reduce what the broker allows. */
  bodyLimit(headers: HeaderPairs): number {
    const { bus, maxBodyBytes = Number.POSITIVE_INFINITY } = this.#options;
    let headerBytes = ENVELOPE_BYTES;
    for (const [name, value] of headers) headerBytes += name.length + Buffer.byteLength(value) + 4;
    return Math.max(0, Math.min(maxBodyBytes, bus.maxPayload - headerBytes));
  }
}
