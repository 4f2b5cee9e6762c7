/** One call of a trace; times are milliseconds from the start of the run. */
export interface TraceCall {
  readonly id: number;
  readonly at: number;
  /** How much work it is, see `JobSettings`. */
  readonly size: number;
  /** Which gateway is called: 0, 1, ... */
  readonly gateway: number;
  /** When its caller leaves, if before the deadline. */
  readonly leavesAt?: number;
}

/** The calls of a run, the same for every system. */
export interface CallTrace {
  readonly deadlineMs: number;
  /** Calls before this moment warm things up and are not counted. */
  readonly leadInMs: number;
  readonly endMs: number;
  readonly gateways: number;
  readonly calls: readonly TraceCall[];
  /** Closed loop: this many in flight until `endMs`; then `calls` is empty and each is of `size`. */
  readonly closed?: { readonly inFlight: number; readonly size: number };
}

/** What became of a call, seen by its caller. */
export interface MeasuredCall {
  readonly call: number;
  /** It came while things warmed up and does not count. */
  readonly leadIn: boolean;
  /** Answered with success within the deadline, counted from the moment the call was due. */
  readonly good: boolean;
  /** `ok`, or why not: `left` (its caller left), `gave_up` (no answer by the deadline), or the answer's code. */
  readonly code: string;
  /** From the moment it was due to the answer, or to giving up. */
  readonly afterMs: number;
  /** How late the generator sent it. */
  readonly lateMs: number;
}
