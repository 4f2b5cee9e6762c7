import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { forwardedRequestHeaders, isFunctionHeader, type MessageHeaders } from '../../protocol/headers.ts';

/** What a handler knows of its call. */
export interface Context {
  /** Fires at the deadline (reason: a TimeoutError) and when the call is cancelled (reason: an AbortError). */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, on this machine's wall clock. */
  readonly deadline: Date;
  /** Milliseconds until the deadline; 0 when it has passed. */
  remainingMs(): number;
  /** Unique; also the key of this call in the logs of the gateway. */
  readonly callId: string;
  /** What crossed from the caller (`X-Fn-*`, `content-type`, `accept`, ...), by lower-case name; no prototype. */
  readonly headers: MessageHeaders;
  /** The caller's `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
  /** Logs with the function's name and the call's id. */
  readonly log: Logger;
}

/** What a context tells of its call. */
export interface ContextCall {
  readonly callId: string;
  readonly headers: MessageHeaders;
  /** Monotonic milliseconds of `clock`. */
  readonly deadlineAt: number;
}

/** What all contexts of a worker share. */
export interface ContextServices {
  readonly clock: Clock;
  readonly log: Logger;
}

/** The context of one call. Everything that costs is made when the handler first looks at it. */
export class CallContext implements Context {
  readonly #functionName: string;
  readonly #call: ContextCall;
  readonly #services: ContextServices;
  #controller: AbortController | undefined;
  #reason: DOMException | undefined;
  #headers: MessageHeaders | undefined;
  #log: Logger | undefined;

  constructor(functionName: string, call: ContextCall, services: ContextServices) {
    this.#functionName = functionName;
    this.#call = call;
    this.#services = services;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Fires the signal, now or when it is first looked at. Only the first reason counts. */
  abort(reason: DOMException): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }

  get deadline(): Date {
    const { clock } = this.#services;
    return new Date(clock.wall() + this.#call.deadlineAt - clock.now());
  }

  remainingMs(): number {
    return Math.max(0, this.#call.deadlineAt - this.#services.clock.now());
  }

  get callId(): string {
    return this.#call.callId;
  }

  get headers(): MessageHeaders {
    this.#headers ??= visibleHeaders(this.#call.headers);
    return this.#headers;
  }

  get idempotencyKey(): string | undefined {
    return this.#call.headers['idempotency-key'];
  }

  get log(): Logger {
    this.#log ??= this.#services.log.child({ function: this.#functionName, call: this.#call.callId });
    return this.#log;
  }
}

/** The machinery's own headers stay hidden: a handler that came to rely on them would tie the wire. */
function visibleHeaders(headers: MessageHeaders): MessageHeaders {
  const visible: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) {
    if (isFunctionHeader(name) || Object.hasOwn(forwardedRequestHeaders, name)) visible[name] = value;
  }
  return visible;
}
