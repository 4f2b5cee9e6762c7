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

/** One run of one call by one worker, in milliseconds from the start of the run. */
export interface WorkEntry {
  readonly worker: number;
  readonly call: number;
  readonly beganAt: number;
  readonly endedAt: number;
}
