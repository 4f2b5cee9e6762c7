import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { LogSampler } from '../../lib/log-sampler.ts';
import { randomToken } from '../../lib/random-token.ts';
import { type Budget, type BudgetLimits, readBudget } from '../../protocol/budget.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';
import { FUNCTION_NAME_RULE, isFunctionName } from '../../protocol/subjects.ts';
import type { Caller, CallHandle, CallOutcome, CallResult, Dispatch } from '../dispatch/contract.ts';
import { deadlineExceeded } from '../failures.ts';
import { answerResult } from '../http/answer.ts';
import type { BodyReceiver } from '../http/body.ts';
import { forwardedHeaders } from '../http/forwarded-headers.ts';
import { answerProblem } from '../http/problem.ts';
import type { HttpRequest } from '../http/request.ts';
import type { AnswerOwner } from '../http/response.ts';
import type { Overload } from '../overload.ts';

/** Where functions are called. */
export const FUNCTIONS_PATH = '/functions/';

/** What each call needs. */
export interface CallServices {
  dispatch: Dispatch;
  clock: Clock;
  log: Logger;
  budget: BudgetLimits;
  overload: Pick<Overload, 'latenessMs' | 'refuses'>;
  /** Which failures are logged. */
  failureLog: LogSampler;
  /** A call has ended; `fn` is undefined when its name is not valid. */
  onEnded: (fn: string | undefined, outcome: CallOutcome, elapsedMs: number) => void;
}

/** Which calls the gateway takes. */
export interface CallAdmission {
  /** Throws for a request that this gateway does not take, before its body is read. */
  admit(request: HttpRequest): void;
  /** The largest body that may come with these headers, in bytes. */
  bodyLimit(headers: HeaderPairs): number;
  /** A call has its answer. */
  ended(): void;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/**
 * One call, from its request to its answer:
 *
 *   begin ──► reading the body ──► dispatched ──► ended
 *     └──────────────┴─────────────────┴────────► ended     refused, failed, or its caller left
 *
 * It is its own listener everywhere, so that a call needs no closures and no promises.
 */
export class FunctionCall implements BodyReceiver, Caller, AnswerOwner {
  readonly #request: HttpRequest;
  readonly #services: CallServices;
  readonly #admission: CallAdmission;
  readonly #callId = randomToken();
  readonly #acceptedAt: number;
  #fn: string | undefined;
  #budget: Budget | undefined;
  #headers: HeaderPairs = [];
  #handle: CallHandle | undefined;
  #isEnded = false;

  constructor(request: HttpRequest, services: CallServices, admission: CallAdmission) {
    this.#request = request;
    this.#services = services;
    this.#admission = admission;
    // What waited in the socket while the event loop was late counts: the caller has waited.
    this.#acceptedAt = services.clock.now() - services.overload.latenessMs;
  }

  /** Validates the head, then reads the body. */
  begin(): void {
    const request = this.#request;
    try {
      this.#fn = functionOf(request.path);
      this.#admission.admit(request);
      const { budget } = this.#services;
      this.#budget = readBudget(request.header('request-timeout'), request.header('prefer'), budget);
      if (this.#deadlineAt <= this.#services.clock.now()) {
        throw deadlineExceeded(this.#budget.budgetMs, 'no');
      }
      this.#headers = forwardedHeaders(request);
    } catch (thrown) {
      return this.#failed(CallError.from(thrown));
    }
    request.ownedBy(this);
    request.readBody(this.#admission.bodyLimit(this.#headers), this.#deadlineAt, this);
  }

  onBody(body: Uint8Array): void {
    if (this.#isEnded || this.#fn === undefined || this.#budget === undefined) return;
    const { budgetMs } = this.#budget;
    this.#handle = this.#services.dispatch.submit(
      {
        callId: this.#callId,
        fn: this.#fn,
        body,
        headers: this.#headers,
        acceptedAt: this.#acceptedAt,
        deadlineAt: this.#deadlineAt,
        budgetMs,
      },
      this,
    );
  }

  onBodyFailed(error: CallError): void {
    this.#failed(error);
  }

  onCallerGone(): void {
    if (this.#handle !== undefined) return this.#handle.abandon();
    const detail = 'the caller left before its body was complete';
    this.#failed(new CallError('caller_gone', detail, { started: 'no' }));
  }

  settle(outcome: CallOutcome): void {
    if (outcome instanceof CallError) return this.#failed(outcome);
    try {
      this.#answered(outcome);
    } catch (thrown) {
      this.#failed(CallError.from(thrown));
    }
  }

  get #deadlineAt(): number {
    return this.#acceptedAt + (this.#budget?.budgetMs ?? 0);
  }

  get #elapsedMs(): number {
    return this.#services.clock.now() - this.#acceptedAt;
  }

  #answered(result: CallResult): void {
    const elapsedMs = this.#elapsedMs;
    answerResult(this.#request, result, elapsedMs, budgetHeaders(this.#budget));
    // Last: what throws before it ends as a failure.
    this.#ended(result, elapsedMs);
  }

  #failed(error: CallError): void {
    if (this.#isEnded) return;
    const elapsedMs = this.#elapsedMs;
    this.#ended(error, elapsedMs);
    this.#logFailure(error, elapsedMs);
    answerProblem(
      this.#request,
      error,
      { requestId: this.#request.id, function: this.#fn, budgetMs: this.#budget?.budgetMs, elapsedMs },
      budgetHeaders(this.#budget),
    );
  }

  #logFailure(error: CallError, elapsedMs: number): void {
    const { code, status, started, message: detail } = error;
    const { log, failureLog } = this.#services;
    const unlogged = failureLog.take(code);
    if (unlogged === undefined) return;
    const line = {
      fn: this.#fn,
      call: this.#callId,
      requestId: this.#request.id,
      code,
      status,
      started,
      elapsedMs: Math.round(elapsedMs),
      detail,
      ...(unlogged === 0 ? {} : { unlogged }),
    };
    if (code === 'internal_error') log.error({ ...line, err: error.cause }, 'call failed');
    else log.info(line, code === 'caller_gone' ? 'caller gone' : 'call failed');
  }

  #ended(outcome: CallOutcome, elapsedMs: number): void {
    this.#isEnded = true;
    this.#admission.ended();
    this.#services.onEnded(this.#fn, outcome, elapsedMs);
  }
}

/** The function's name in the path, validated after one percent-decoding. Throws `bad_request` or `not_found`. */
function functionOf(path: string): string {
  const encoded = path.slice(FUNCTIONS_PATH.length);
  if (isFunctionName(encoded)) return encoded;
  if (encoded.includes('/')) throw new CallError('not_found', `no route for POST ${path.slice(0, 200)}`);
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw new CallError('bad_request', 'the function name has an invalid percent escape');
  }
  if (isFunctionName(name)) return name;
  throw new CallError('bad_request', `the function name ${FUNCTION_NAME_RULE}`);
}

/** Tells the caller what became of the budget that it asked for. */
function budgetHeaders(budget: Budget | undefined): Readonly<Record<string, string>> {
  if (budget === undefined) return NO_HEADERS;
  const { budgetMs, clamped, preferenceApplied } = budget;
  if (preferenceApplied !== undefined) return { 'Preference-Applied': preferenceApplied };
  return clamped ? { 'Request-Timeout': String(budgetMs / 1000) } : NO_HEADERS;
}
