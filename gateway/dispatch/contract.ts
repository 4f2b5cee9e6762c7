import type { CallError } from '../../protocol/call-error.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';

/** What dispatch takes and gives: the side of it that HTTP sees. */

/** A call as it came from its caller. Times are monotonic milliseconds. */
export interface CallRequest {
  readonly callId: string;
  readonly fn: string;
  readonly body: Uint8Array;
  /** The caller's headers that cross to the function, spelled as they go out. */
  readonly headers: HeaderPairs;
  readonly acceptedAt: number;
  readonly deadlineAt: number;
  readonly budgetMs: number;
}

/** What a function answered, ready for HTTP. Durations in milliseconds. */
export interface CallResult {
  readonly status: number;
  readonly contentType: string;
  /** `X-Fn-*` headers, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly worker: string | undefined;
  /** Parked at the gateway plus waiting in the worker. */
  readonly queueMs: number;
  readonly workMs: number;
}

/** How a call ended, exactly once: a result of the function, or a failure that says whether it had started. */
export type CallOutcome = CallResult | CallError;

/** A call under way, as its caller sees it. */
export interface CallHandle {
  /**
   * The caller left: a parked call is dropped, a running one cancelled. The call ends with `caller_gone`
   * unless it has ended before.
   */
  abandon(): void;
}

/** Whoever made a call. */
export interface Caller {
  /** The call has ended. Called once. */
  settle(outcome: CallOutcome): void;
}

/** Finds workers for calls. */
export interface Dispatch {
  /** Never throws; `caller` gets its outcome exactly once, at the latest one timer step after the deadline. */
  submit(request: CallRequest, caller: Caller): CallHandle;
}
