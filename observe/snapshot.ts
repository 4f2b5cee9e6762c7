/** What all gateways and workers of one NATS do at a moment. The output of `top --json`, one object a line. */
export interface Snapshot {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** Whether NATS can be reached; without it the rest is as old as the connection's end. */
  readonly isConnected: boolean;
  /** By name and group. Functions that only plain NATS responders serve are missing: those report no state. */
  readonly functions: readonly FunctionSnapshot[];
}

/** Counts of slots and of the calls in a worker, or in several. */
export interface SlotCounts {
  readonly slots: number;
  readonly free: number;
  readonly running: number;
  /** Waiting in a worker: calls of plain NATS requesters, and prefetched ones of fast functions. */
  readonly buffered: number;
}

/** Events per second, between the last two times that the workers were asked. */
export interface Rates {
  /** Calls that ran to an end, errors included. */
  readonly done: number;
  readonly errors: number;
  readonly busy: number;
  readonly expired: number;
  readonly cancelled: number;
}

/** One function in one queue group: the sum of its workers, and what waits for them. */
export interface FunctionSnapshot extends SlotCounts {
  readonly function: string;
  readonly group: string;
  /** Calls that wait at the gateways. */
  readonly parked: number;
  /** Gateways where calls wait. */
  readonly gateways: readonly { readonly gateway: string; readonly parked: number }[];
  /** null until two answers of every worker are known. */
  readonly perSecond: Rates | null;
  readonly workers: readonly WorkerSnapshot[];
}

/** One worker process. */
export interface WorkerSnapshot extends SlotCounts {
  readonly worker: string;
  /** Since it was last seen, in milliseconds; above 1500 it gets no calls. */
  readonly silentMs: number;
  /** It takes no new calls. */
  readonly isDraining: boolean;
  /** Moving average of one call's run time in milliseconds; 0 = not known. */
  readonly serviceMs: number;
  readonly perSecond: Rates | null;
}
