import type { Logger } from 'pino';
import type { Bus } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { randomToken } from '../../lib/random-token.ts';
import { type Budget, type BudgetLimits, readBudget } from '../../protocol/budget.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';
import { functionName } from '../../protocol/subjects.ts';
import type { CallOutcome, CallRequest, Dispatch } from '../dispatch/contract.ts';
import { brokerUnavailable, draining } from '../failures.ts';
import { answerResponse } from '../http/answer.ts';
import { forwardedHeaders } from '../http/forwarded-headers.ts';
import { problemResponse } from '../http/problem.ts';
import type { HttpRequest } from '../http/request.ts';
import { type App, onlyMethods } from './base.ts';

const PATH = '/functions/';
/** What the headers that the gateway adds may need in the message; counts towards the broker's max_payload. */
const ENVELOPE_BYTES = 512;

/** What the route of function calls needs. */
export interface FunctionRouteOptions {
  dispatch: Dispatch;
  bus: Bus;
  clock: Clock;
  log: Logger;
  budget: BudgetLimits;
  /** Largest body in bytes; undefined = what the broker's max_payload leaves. */
  maxBodyBytes: number | undefined;
  /** How many calls this gateway holds at once; more are refused. */
  maxInFlight: number;
  isDraining: () => boolean;
  /** A call has ended; `fn` is undefined when its name is not valid. */
  onEnded: (fn: string | undefined, outcome: CallOutcome, elapsedMs: number) => void;
}

/** `POST /functions/<name>`: calls a function and answers with its result, or with a problem. */
export function registerFunctions(app: App, options: FunctionRouteOptions): void {
  const calls = new FunctionCalls(options);
  app.post(`${PATH}*`, (c) => calls.answer(c.env.request));
  onlyMethods(app, `${PATH}*`, ['POST']);
}

/** What is known of a call when it fails. */
interface CallFacts {
  readonly callId: string;
  readonly requestId: string;
  readonly acceptedAt: number;
  fn?: string;
  budget?: Budget;
}

/** The calls of one gateway, each from its request to its answer. */
class FunctionCalls {
  readonly #options: FunctionRouteOptions;
  #inFlight = 0;

  constructor(options: FunctionRouteOptions) {
    this.#options = options;
  }

  /** Never rejects: every failure is an answer. */
  async answer(request: HttpRequest): Promise<Response> {
    const facts: CallFacts = {
      callId: randomToken(),
      requestId: request.id,
      acceptedAt: this.#options.clock.now(),
    };
    this.#inFlight++;
    try {
      return await this.#call(request, facts);
    } catch (thrown) {
      return this.#failed(thrown, facts);
    } finally {
      this.#inFlight--;
    }
  }

  /** Writes into `facts` what it learns. */
  async #call(request: HttpRequest, facts: CallFacts): Promise<Response> {
    const { clock, budget: budgetLimits, onEnded } = this.#options;
    const { callId, requestId, acceptedAt } = facts;
    const fn = functionOf(request.path);
    facts.fn = fn;
    this.#admit(request);
    const budget = readBudget(request.header('request-timeout'), request.header('prefer'), budgetLimits);
    facts.budget = budget;
    const { budgetMs } = budget;
    const deadlineAt = acceptedAt + budgetMs;
    const headers = forwardedHeaders(request);
    const body = await request.body(this.#bodyLimit(headers), deadlineAt);
    const call = { callId, fn, body, headers, acceptedAt, deadlineAt, budgetMs };
    const outcome = await this.#dispatch(request, call);
    if (outcome instanceof CallError) throw outcome;
    const elapsedMs = clock.now() - acceptedAt;
    const response = answerResponse(outcome, requestId, elapsedMs, budgetHeaders(budget));
    // Last: what throws before it ends as a failure.
    onEnded(fn, outcome, elapsedMs);
    return response;
  }

  /** Throws for a request that this gateway does not take, before its body is read. */
  #admit(request: HttpRequest): void {
    const { isDraining, bus, maxInFlight } = this.#options;
    if (isDraining()) throw draining();
    if (!bus.connected) throw brokerUnavailable();
    const encoding = request.header('content-encoding')?.trim().toLowerCase();
    if (encoding !== undefined && encoding !== 'identity') {
      throw new CallError('unsupported_media_type', 'Content-Encoding is not supported; send the plain body');
    }
    if (this.#inFlight > maxInFlight) {
      const detail = `this gateway is at its limit of ${maxInFlight} concurrent calls`;
      throw new CallError('saturated', detail, { retryAfterS: 1 });
    }
  }

  /** Body and headers share one message, so the headers reduce what the broker allows. */
  #bodyLimit(headers: HeaderPairs): number {
    const { bus, maxBodyBytes = Number.POSITIVE_INFINITY } = this.#options;
    let headerBytes = ENVELOPE_BYTES;
    for (const [name, value] of headers) headerBytes += name.length + Buffer.byteLength(value) + 4;
    return Math.max(0, Math.min(maxBodyBytes, bus.maxPayload - headerBytes));
  }

  #dispatch(request: HttpRequest, call: CallRequest): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const pending = this.#options.dispatch.submit(call, resolve);
      request.onGone(() => pending.abandon());
    });
  }

  #failed(thrown: unknown, { callId, requestId, acceptedAt, fn, budget }: CallFacts): Response {
    const error = CallError.from(thrown);
    const elapsedMs = this.#options.clock.now() - acceptedAt;
    this.#options.onEnded(fn, error, elapsedMs);
    const { code, status, started, message: detail } = error;
    const line = {
      fn,
      call: callId,
      requestId,
      code,
      status,
      started,
      elapsedMs: Math.round(elapsedMs),
      detail,
    };
    if (code === 'internal_error') this.#options.log.error({ ...line, err: error.cause }, 'call failed');
    else this.#options.log.info(line, code === 'caller_gone' ? 'caller gone' : 'call failed');
    return problemResponse(
      error,
      { requestId, function: fn, budgetMs: budget?.budgetMs, elapsedMs },
      budget === undefined ? {} : budgetHeaders(budget),
    );
  }
}

/** The function's name in the path, validated after one percent-decoding. Throws `bad_request` or `not_found`. */
function functionOf(path: string): string {
  const encoded = path.slice(PATH.length);
  if (encoded.includes('/')) throw new CallError('not_found', `no route for POST ${path.slice(0, 200)}`);
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw new CallError('bad_request', 'the function name has an invalid percent escape');
  }
  const result = functionName.safeParse(name);
  if (result.success) return result.data;
  const reason = result.error.issues[0]?.message ?? 'is not valid';
  throw new CallError('bad_request', `the function name ${reason}`);
}

/** Tells the caller what became of the budget that it asked for. */
function budgetHeaders({ budgetMs, clamped, preferenceApplied }: Budget): Record<string, string> {
  if (preferenceApplied !== undefined) return { 'Preference-Applied': preferenceApplied };
  return clamped ? { 'Request-Timeout': String(budgetMs / 1000) } : {};
}
