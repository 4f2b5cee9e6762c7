import { CallError } from '../protocol/call-error.ts';

/** The gateway has no connection to the broker; nothing was sent. */
export function brokerUnavailable(cause?: unknown): CallError {
  return new CallError('broker_unavailable', 'this gateway has lost its connection to NATS', {
    retryAfterS: 1,
    cause,
  });
}

/** The gateway is stopping and takes no new calls. */
export function draining(): CallError {
  return new CallError('draining', 'this gateway is stopping; retry on another gateway', {
    retryAfterS: 1,
  });
}

/** The gateway is about to run out of a resource; `share` is how much is in use, 0 to 1. */
export function underPressure(resource: string, share: number): CallError {
  const detail = `${Math.round(share * 100)} % of this gateway's ${resource} is in use`;
  return new CallError('saturated', detail, { retryAfterS: 1 });
}

/** The gateway itself is full: its event loop is late, and a share of new calls is refused. */
export function overloaded(): CallError {
  return new CallError('saturated', 'this gateway is overloaded', { retryAfterS: 1 });
}

/** Nobody is subscribed to the function. */
export function noResponders(fn: string, retryAfterS: number): CallError {
  return new CallError('no_responders', `no worker is subscribed to ${fn}`, { retryAfterS });
}

/** Every slot is busy; `waitMs` is the estimated wait in the queue, a second if it is not known. */
export function saturated(
  endpoints: Iterable<{ readonly slots: number }>,
  parked: number,
  waitMs = 1000,
): CallError {
  let workers = 0;
  let slots = 0;
  for (const endpoint of endpoints) {
    workers++;
    slots += endpoint.slots;
  }
  return new CallError('saturated', `all ${slots} slots are busy and ${parked} calls are waiting`, {
    retryAfterS: Math.max(1, Math.ceil(waitMs / 1000)),
    extra: { workers, slots, parked },
  });
}

/** The budget ran out. */
export function deadlineExceeded(budgetMs: number, started: CallError['started']): CallError {
  return new CallError('deadline_exceeded', `no answer within ${Math.round(budgetMs)} ms`, { started });
}

/** The worker process that had the call is gone. */
export function workerLost(): CallError {
  return new CallError('worker_lost', 'the worker that had the call is gone; the call may have run');
}

/** The same failure with another `started`. */
export function withStarted(error: CallError, started: CallError['started']): CallError {
  const { code, message, status, retryAfterS, extra, headers, cause } = error;
  return new CallError(code, message, { status, started, retryAfterS, extra, headers, cause });
}
