import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { deferred } from '../../lib/deferred.ts';
import { header } from '../../protocol/headers.ts';
import { CallContext, type ContextServices } from '../api/context.ts';
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

/** A call that was begun and has to be waited for. */
class ActiveCall implements RunHandle, Expiring {
  readonly fn: LoadedFunction;
  readonly callId: string;
  readonly execution: Execution;
  readonly done: Promise<Completion>;
  readonly settle: (completion: Completion) => void;
  /** The call's deadline, and while stopping the time at which it is given up. */
  deadlineAt: number;
  deadlineEntry: Expiring['deadlineEntry'];
  /** Why it is stopping. */
  stopping: 'deadline' | 'cancelled' | undefined;
  settled = false;
  readonly #onCancel: (call: ActiveCall, reason: string) => void;

  constructor(
    fn: LoadedFunction,
    { callId, deadlineAt }: Invocation,
    execution: Execution,
    onCancel: (call: ActiveCall, reason: string) => void,
  ) {
    const { promise, resolve } = deferred<Completion>();
    this.fn = fn;
    this.callId = callId;
    this.execution = execution;
    this.done = promise;
    this.settle = resolve;
    this.deadlineAt = deadlineAt;
    this.deadlineEntry = undefined;
    this.stopping = undefined;
    this.#onCancel = onCancel;
  }

  cancel(reason: string): void {
    this.#onCancel(this, reason);
  }
}

/** A handler that runs in the event loop: it cannot be ended. */
class LoopExecution implements Execution {
  readonly finished: Promise<Completion>;
  readonly #context: CallContext;

  constructor(finished: Promise<Completion>, context: CallContext) {
    this.finished = finished;
    this.#context = context;
  }

  abort(name: 'TimeoutError' | 'AbortError', message: string): void {
    this.#context.abort(new DOMException(message, name));
  }

  end(): void {}
}

/** A call that ended before anybody could cancel it. */
class EndedCall implements RunHandle {
  readonly done: Promise<Completion>;

  constructor(completion: Completion) {
    this.done = Promise.resolve(completion);
  }

  cancel(): void {}
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
  readonly #services: ContextServices;
  readonly #maxThreadHeapMb: number | undefined;
  readonly #deadlines: Deadlines<ActiveCall>;
  readonly #active = new Set<ActiveCall>();
  readonly #pools = new Map<LoadedFunction, ThreadPool>();
  readonly #onCancel = (call: ActiveCall, reason: string): void => this.#stop(call, 'cancelled', reason);
  #closed = false;

  constructor({ clock, log, maxThreadHeapMb }: ExecutorOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#services = { clock, log };
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
    if (this.#closed) return new EndedCall(gaveUp('cancelled'));
    if (invocation.deadlineAt <= this.#clock.now()) return new EndedCall(gaveUp('deadline'));
    if (fn.threads) return this.#follow(fn, invocation, this.#pool(fn).run(invocation));
    const context = new CallContext(fn.name, invocation, this.#services);
    const performed = perform(fn, invocation, context);
    if (performed instanceof Promise) {
      return this.#follow(fn, invocation, new LoopExecution(performed, context));
    }
    this.#logFailure(fn, invocation.callId, performed);
    return new EndedCall(performed);
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

  /** Waits for the end of a call, or for what comes before it. */
  #follow(fn: LoadedFunction, invocation: Invocation, execution: Execution): RunHandle {
    const call = new ActiveCall(fn, invocation, execution, this.#onCancel);
    this.#active.add(call);
    this.#deadlines.add(call);
    void execution.finished.then((completion) => this.#onFinished(call, completion));
    return call;
  }

  #onTime(call: ActiveCall): void {
    if (call.stopping === undefined) {
      this.#stop(call, 'deadline', 'the deadline of the call passed');
      return;
    }
    this.#report(call.fn, call.callId).warn(
      { after: call.stopping },
      'the handler did not end and is given up',
    );
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
      this.#report(call.fn, call.callId).warn(
        { outcome: completion.outcome },
        'the handler ended after it was given up',
      );
      return;
    }
    // Throwing is how a handler obeys its signal; nobody waits for what it says.
    const obeyed = call.stopping !== undefined && completion.outcome === 'handler_error';
    const end = obeyed && call.stopping !== undefined ? gaveUp(call.stopping) : completion;
    this.#logFailure(call.fn, call.callId, end);
    this.#settle(call, end);
  }

  #settle(call: ActiveCall, completion: Completion): void {
    call.settled = true;
    this.#active.delete(call);
    this.#deadlines.delete(call);
    call.settle(completion);
  }

  #logFailure(fn: LoadedFunction, callId: string, { outcome, error, headers }: Completion): void {
    if (outcome === 'handler_error') this.#report(fn, callId).error({ err: error }, 'the handler failed');
    if (outcome === 'bad_reply') {
      const reason = headers.find(([name]) => name === header.serviceError)?.[1];
      this.#report(fn, callId).error({ reason, err: error }, 'the result of the handler cannot be sent');
    }
  }

  #report(fn: LoadedFunction, callId: string): Logger {
    return this.#log.child({ function: fn.name, call: callId }, DESCRIBED);
  }
}
