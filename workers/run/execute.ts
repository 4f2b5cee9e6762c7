import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { deferred } from '../../lib/deferred.ts';
import { header } from '../../protocol/headers.ts';
import { CallContext } from '../api/context.ts';
import type { LoadedFunction } from '../api/define.ts';
import { type Completion, GRACE_MS, gaveUp, type Invocation } from './completion.ts';
import { DESCRIBED } from './describe-error.ts';
import { perform } from './perform.ts';
import { type Execution, ThreadPool } from './threads.ts';

/** A call that was begun. */
export interface RunHandle {
  /** Never rejects, resolves once; at most 250 ms (and a timer's lateness) after the deadline or `cancel`. */
  readonly done: Promise<Completion>;
  /** Fires the handler's signal; a handler that does not end within 250 ms is given up. Later calls do nothing. */
  cancel(reason: string): void;
}

/** What an executor needs. */
export interface ExecutorOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Heap of each worker thread in MiB; a thread that needs more is ended. Default: Node's own limit. */
  readonly maxThreadHeapMb?: number | undefined;
}

/** A call that was begun and is not settled, or whose handler has not ended. */
interface ActiveCall {
  readonly fn: LoadedFunction;
  readonly callId: string;
  readonly execution: Execution;
  readonly settle: (completion: Completion) => void;
  /** The call's deadline, and while stopping the time at which it is given up. */
  deadlineAt: number;
  /** Why it is stopping. */
  stopping: 'deadline' | 'cancelled' | undefined;
  settled: boolean;
}

/**
 * Runs calls, in the event loop or in threads, and gives up those that do not end in time:
 *
 *   running ──► settled                the handler ended
 *   running ──► stopping ──► settled   its deadline passed or it was cancelled
 *
 * stopping: its signal has fired, and the handler has 250 ms to end. settled: `done` is resolved, and whatever the
 * handler still does is ignored.
 */
export class Executor {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #maxThreadHeapMb: number | undefined;
  readonly #deadlines: Deadlines<ActiveCall>;
  readonly #active = new Set<ActiveCall>();
  readonly #pools = new Map<LoadedFunction, ThreadPool>();
  #closed = false;

  constructor({ clock, log, maxThreadHeapMb }: ExecutorOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#maxThreadHeapMb = maxThreadHeapMb;
    this.#deadlines = new Deadlines(clock, (call) => this.#onTime(call));
  }

  /** Calls that are not settled. */
  get size(): number {
    return this.#active.size;
  }

  /** Starts the function's threads and loads its module there, so that the first call need not wait for it. */
  async prepare(fn: LoadedFunction): Promise<void> {
    if (fn.threads) await this.#pool(fn).prepare();
  }

  /** Begins a call; the handler runs until its first `await` before this returns. Never throws. */
  run(fn: LoadedFunction, invocation: Invocation): RunHandle {
    if (this.#closed) return neverBegun('cancelled');
    if (invocation.deadlineAt <= this.#clock.now()) return neverBegun('deadline');
    const { promise, resolve } = deferred<Completion>();
    const call: ActiveCall = {
      fn,
      callId: invocation.callId,
      execution: fn.threads ? this.#pool(fn).run(invocation) : this.#inLoop(fn, invocation),
      settle: resolve,
      deadlineAt: invocation.deadlineAt,
      stopping: undefined,
      settled: false,
    };
    this.#active.add(call);
    this.#deadlines.add(call);
    call.execution.finished.then((completion) => this.#onFinished(call, completion));
    return { done: promise, cancel: (reason) => this.#stop(call, 'cancelled', reason) };
  }

  /** Settles every call as cancelled and ends all threads; later calls are cancelled at once. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const call of [...this.#active]) this.#settle(call, gaveUp('cancelled'));
    const pools = [...this.#pools.values()];
    this.#pools.clear();
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #pool(fn: LoadedFunction): ThreadPool {
    let pool = this.#pools.get(fn);
    if (pool === undefined) {
      pool = new ThreadPool(fn, { clock: this.#clock, log: this.#log, maxHeapMb: this.#maxThreadHeapMb });
      this.#pools.set(fn, pool);
    }
    return pool;
  }

  #inLoop(fn: LoadedFunction, { callId, headers, body, deadlineAt, maxReplyBytes }: Invocation): Execution {
    const context = new CallContext({
      functionName: fn.name,
      callId,
      headers,
      deadlineAt,
      clock: this.#clock,
      log: this.#log,
    });
    return {
      finished: perform(fn, { headers, body, maxReplyBytes }, context),
      abort: (name, message) => context.abort(new DOMException(message, name)),
      end: () => {},
    };
  }

  #onTime(call: ActiveCall): void {
    if (call.stopping === undefined) {
      this.#stop(call, 'deadline', 'the deadline of the call passed');
      return;
    }
    this.#report(call).warn({ after: call.stopping }, 'the handler did not end and is given up');
    this.#settle(call, gaveUp(call.stopping));
    call.execution.end();
  }

  #stop(call: ActiveCall, why: 'deadline' | 'cancelled', message: string): void {
    if (call.settled || call.stopping !== undefined) return;
    this.#deadlines.delete(call);
    call.stopping = why;
    // From now, not from the deadline: after a stop of the process the handler still gets its time to end.
    call.deadlineAt = this.#clock.now() + GRACE_MS;
    this.#deadlines.add(call);
    call.execution.abort(why === 'deadline' ? 'TimeoutError' : 'AbortError', message);
  }

  #onFinished(call: ActiveCall, completion: Completion): void {
    if (call.settled) {
      // A thread was ended, and that is what it says; only a handler in the loop can end late by itself.
      if (call.fn.threads) return;
      this.#report(call).warn({ outcome: completion.outcome }, 'the handler ended after it was given up');
      return;
    }
    // Throwing is how a handler obeys its signal; nobody waits for what it says.
    const obeyed = call.stopping !== undefined && completion.outcome === 'handler_error';
    const end = obeyed && call.stopping !== undefined ? gaveUp(call.stopping) : completion;
    this.#logFailure(call, end);
    this.#settle(call, end);
  }

  #settle(call: ActiveCall, completion: Completion): void {
    call.settled = true;
    this.#active.delete(call);
    this.#deadlines.delete(call);
    call.settle(completion);
  }

  #logFailure(call: ActiveCall, { outcome, error, headers }: Completion): void {
    if (outcome === 'handler_error') this.#report(call).error({ err: error }, 'the handler failed');
    if (outcome === 'bad_reply') {
      const reason = headers.find(([name]) => name === header.serviceError)?.[1];
      this.#report(call).error({ reason, err: error }, 'the result of the handler cannot be sent');
    }
  }

  #report(call: ActiveCall): Logger {
    return this.#log.child({ function: call.fn.name, call: call.callId }, DESCRIBED);
  }
}

function neverBegun(outcome: 'deadline' | 'cancelled'): RunHandle {
  return { done: Promise.resolve(gaveUp(outcome)), cancel: () => {} };
}
