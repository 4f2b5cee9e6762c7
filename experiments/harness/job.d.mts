import type { LedgerKind } from './ledger.ts';

/** What a plain worker does about a long buffer. Nothing by default. */
export interface BufferRule {
  /** Drops what does not fit, as `pending_msgs_limit` does. */
  readonly limit?: number;
  /** Leaves its group when the buffer is worth four fifths of the budget, until it is worked off. */
  readonly leavesAtHighWater?: boolean;
  /** Drops what is too old when its turn comes, by the deadline in its headers. */
  readonly skipsStale?: boolean;
}

/** What a worker process is told, as JSON in the environment variable `WORKER_JOB`. */
export interface JobSettings {
  /** Its name in the ledger. */
  readonly worker: string;
  /** Nothing is noted without it. */
  readonly ledgerFolder?: string | undefined;
  /** A call of size `s` takes `baseMs + scale × s` milliseconds. */
  readonly baseMs: number;
  readonly scale: number;
  /** The worker connects when this file exists; at once without one. */
  readonly gate?: string | undefined;
  /** Name of the function, of the NATS subject or of the queue. */
  readonly subject: string;
  /** The rest is for workers other than ours: the address of the broker. */
  readonly url: string;
  readonly group: string;
  /** Calls at a time. */
  readonly slots: number;
  readonly budgetMs: number;
  readonly buffer: BufferRule;
  /** Prints a line for each call that begins. */
  readonly isVerbose?: boolean;
}

/** The work of a worker: sleeps, and notes it in the worker's ledger. */
export class Job {
  readonly settings: JobSettings;

  /** Settings from the environment by default. */
  constructor(settings?: JobSettings);

  /** Notes what happens now, or happened `at` (shared clock), to a call: the text of its header. */
  note(kind: LedgerKind, call?: string, at?: number): void;

  /** Resolves when the experiment lets this worker connect. */
  released(): Promise<void>;

  /** Works on a call that begins now. Breaks off when the signal fires, and rejects then. */
  run(call: string | undefined, size: number, signal?: AbortSignal): Promise<void>;
}
