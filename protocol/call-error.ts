import { type Code, codes, type Started } from './codes.ts';

/** What a failure may carry beyond its code. */
export interface CallErrorOptions {
  /** HTTP status, where the code allows more than one. Default: the code's. */
  status?: number | undefined;
  /** Default: the code's. */
  started?: Started | undefined;
  /** Whole seconds until a new try makes sense; becomes `Retry-After`. */
  retryAfterS?: number | undefined;
  /** Further members of the problem document (RFC 9457, 3.2), for example `limitBytes`. */
  extra?: Readonly<Record<string, unknown>> | undefined;
  /** Further response headers, for example `Allow`. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** What really happened: logged, never sent. */
  cause?: unknown;
}

/** The one error of the wire: a closed code, and a message that callers may read. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: Code;
  readonly status: number;
  readonly started: Started;
  readonly retryAfterS: number | undefined;
  readonly extra: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is shown to the caller: what is wrong, what was got, what is allowed. */
  constructor(code: Code, detail: string, options: CallErrorOptions = {}) {
    // Its stack is never read (a defect is the cause, which has its own), and to collect it costs more than the rest
    // of a refusal.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.status = options.status ?? codes[code].status;
    this.started = options.started ?? codes[code].started;
    this.retryAfterS = options.retryAfterS;
    this.extra = options.extra ?? {};
    this.headers = options.headers ?? {};
  }

  /** Anything thrown as a CallError; what is not one becomes `internal_error` with the original as cause. */
  static from(thrown: unknown): CallError {
    if (thrown instanceof CallError) return thrown;
    return new CallError('internal_error', 'the gateway failed on this request', { cause: thrown });
  }
}
