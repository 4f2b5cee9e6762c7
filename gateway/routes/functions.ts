import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import type { Bus } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { randomToken } from '../../lib/random-token.ts';
import { type Budget, type BudgetLimits, readBudget } from '../../protocol/budget.ts';
import { CallError } from '../../protocol/call-error.ts';
import {
  canonicalHeader,
  forwardedRequestHeaders,
  type HeaderPairs,
  header,
  isFunctionHeader,
  isHeaderValue,
} from '../../protocol/headers.ts';
import { functionName } from '../../protocol/subjects.ts';
import type { CallOutcome, CallRequest, Dispatch } from '../dispatch/contract.ts';
import { brokerUnavailable, draining } from '../failures.ts';
import { type AnswerHeaders, acceptedRequestId, answerResponse, problemResponse } from '../http/answer.ts';
import { type Exchange, exchangeOf } from '../http/request.ts';
import { type App, onlyMethods } from './base.ts';

const PATH = '/functions/';
/** What the headers that the gateway adds may need in the message; counts towards the broker's max_payload. */
const ENVELOPE_BYTES = 512;

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
  /** A call has ended; `fn` is undefined when its name was none. */
  onEnded: (fn: string | undefined, outcome: CallOutcome, elapsedMs: number) => void;
}

/** A function call over HTTP: judges the request, hands it to dispatch, answers with what comes of it. */
export function registerFunctions(app: App, options: FunctionRouteOptions): void {
  const calls = new FunctionCalls(options);
  app.post(`${PATH}*`, (c) => calls.answer(c.env?.exchange ?? exchangeOf(c.req.raw)));
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

class FunctionCalls {
  readonly #options: FunctionRouteOptions;
  #inFlight = 0;

  constructor(options: FunctionRouteOptions) {
    this.#options = options;
  }

  async answer(exchange: Exchange): Promise<Response> {
    const { clock } = this.#options;
    const acceptedAt = clock.now();
    const requestId = acceptedRequestId(one(exchange.headers['x-request-id'])) ?? randomToken();
    const facts: CallFacts = { callId: randomToken(), requestId, acceptedAt };
    this.#inFlight++;
    try {
      const fn = functionOf(exchange.path);
      facts.fn = fn;
      this.#admit(exchange.headers);
      const budget = readBudget(
        one(exchange.headers['request-timeout']),
        one(exchange.headers.prefer),
        this.#options.budget,
      );
      facts.budget = budget;
      const deadlineAt = acceptedAt + budget.budgetMs;
      const headers = forwardedHeaders(exchange.headers, requestId);
      const body = await exchange.body(this.#bodyLimit(headers), deadlineAt);
      const outcome = await this.#dispatch(exchange, {
        callId: facts.callId,
        fn,
        body,
        headers,
        acceptedAt,
        deadlineAt,
        budgetMs: budget.budgetMs,
      });
      if (outcome instanceof CallError) throw outcome;
      const elapsedMs = clock.now() - acceptedAt;
      const response = answerResponse(outcome, requestId, elapsedMs, budgetHeaders(budget));
      // Last: what throws before it ends as a failure.
      this.#options.onEnded(fn, outcome, elapsedMs);
      return response;
    } catch (thrown) {
      return this.#failed(thrown, facts);
    } finally {
      this.#inFlight--;
    }
  }

  /** Throws for a request that this gateway does not take, before its body is read. */
  #admit(headers: Readonly<IncomingHttpHeaders>): void {
    const { isDraining, bus, maxInFlight } = this.#options;
    if (isDraining()) throw draining();
    if (!bus.connected) throw brokerUnavailable();
    const encoding = one(headers['content-encoding']);
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
      throw new CallError('unsupported_media_type', 'the body is encoded; send it without Content-Encoding');
    }
    if (this.#inFlight > maxInFlight) {
      throw new CallError('saturated', `this gateway holds ${maxInFlight} calls already`, { retryAfterS: 1 });
    }
  }

  /** Body and headers travel in one message, so the headers take from what the broker allows. */
  #bodyLimit(headers: HeaderPairs): number {
    const { bus, maxBodyBytes = Number.POSITIVE_INFINITY } = this.#options;
    let headerBytes = ENVELOPE_BYTES;
    for (const [name, value] of headers) headerBytes += name.length + Buffer.byteLength(value) + 4;
    return Math.max(0, Math.min(maxBodyBytes, bus.maxPayload - headerBytes));
  }

  #dispatch(exchange: Exchange, call: CallRequest): Promise<CallOutcome> {
    return new Promise((resolve) => {
      const pending = this.#options.dispatch.submit(call, resolve);
      exchange.onGone(() => pending.abandon());
    });
  }

  #failed(thrown: unknown, { callId, requestId, acceptedAt, fn, budget }: CallFacts): Response {
    const error = CallError.from(thrown);
    const elapsedMs = this.#options.clock.now() - acceptedAt;
    this.#options.onEnded(fn, error, elapsedMs);
    const { code, status, started } = error;
    const line = {
      fn,
      call: callId,
      requestId,
      code,
      status,
      started,
      elapsedMs: Math.round(elapsedMs),
      detail: error.message,
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

/** The function's name from the path, judged once after one percent-decoding. Throws `bad_request`. */
function functionOf(path: string): string {
  const encoded = path.slice(PATH.length);
  if (encoded.includes('/')) throw new CallError('not_found', `there is nothing at ${path.slice(0, 200)}`);
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw new CallError('bad_request', 'the function name has a percent escape that is not valid');
  }
  const judged = functionName.safeParse(name);
  if (judged.success) return judged.data;
  throw new CallError(
    'bad_request',
    `the function name ${judged.error.issues[0]?.message ?? 'is not valid'}`,
  );
}

/** The headers that cross to the function. Everything else stays here. Throws `bad_request` for bad values. */
function forwardedHeaders(headers: Readonly<IncomingHttpHeaders>, requestId: string): HeaderPairs {
  const pairs: (readonly [string, string])[] = [];
  for (const name of Object.keys(headers)) {
    const sentAs = Object.hasOwn(forwardedRequestHeaders, name)
      ? forwardedRequestHeaders[name]
      : isFunctionHeader(name)
        ? canonicalHeader(name)
        : undefined;
    if (sentAs === undefined || sentAs === header.requestId) continue;
    const value = one(headers[name]) ?? '';
    if (!isHeaderValue(value)) {
      throw new CallError('bad_request', `the value of ${name} has characters that are not allowed`);
    }
    pairs.push([sentAs, value]);
  }
  pairs.push([header.requestId, requestId]);
  return pairs;
}

/** Tells the caller what became of the budget that it asked for. */
function budgetHeaders({ budgetMs, clamped, preferenceApplied }: Budget): AnswerHeaders {
  if (preferenceApplied !== undefined) return { 'Preference-Applied': preferenceApplied };
  return clamped ? { 'Request-Timeout': String(budgetMs / 1000) } : {};
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
