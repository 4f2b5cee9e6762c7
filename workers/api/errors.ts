// A registered symbol: a handler may have loaded another copy of this package than the worker that runs it.
const FUNCTION_ERROR = Symbol.for('now-or-never.FunctionError');

/** What a FunctionError may carry beyond its message. */
export interface FunctionErrorOptions {
  /** Sent as the body of the error, by the same rules as a result. */
  readonly body?: unknown;
  /** What really happened: logged, never sent. */
  readonly cause?: unknown;
}

/** Thrown by a handler to answer with an error of its own: the caller gets the status and reads the message. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
  readonly status: number;
  readonly body: unknown;
  readonly [FUNCTION_ERROR] = true;

  /** `status` is 400 to 599; throws a RangeError otherwise. */
  constructor(status: number, message: string, options: FunctionErrorOptions = {}) {
    if (!isErrorStatus(status)) throw new RangeError(`status ${status} must be a whole number, 400 to 599`);
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.status = status;
    this.body = options.body;
  }
}

/** Whether something thrown is a FunctionError, also one of another copy of this package; never throws. */
export function isFunctionError(thrown: unknown): thrown is FunctionError {
  if (typeof thrown !== 'object' || thrown === null) return false;
  try {
    return Reflect.get(thrown, FUNCTION_ERROR) === true && isErrorStatus(Reflect.get(thrown, 'status'));
  } catch {
    return false;
  }
}

function isErrorStatus(status: unknown): boolean {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599;
}
