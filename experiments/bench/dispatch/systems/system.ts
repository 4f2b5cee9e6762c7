import type { ChildProcess } from 'node:child_process';
import type { CallerPlan } from '../callers/caller.ts';
import type { Children } from '../children.ts';
import type { JobSettings } from '../job.mjs';
import type { Trace } from '../trace.ts';

/** What a system is set up from. */
export interface Setup {
  readonly trace: Trace;
  readonly children: Children;
  /** The job of each worker, in the trace's order. */
  readonly jobs: readonly JobSettings[];
}

/** A system that serves. */
export interface RunningSystem {
  readonly caller: Omit<CallerPlan, 'deadlineMs'>;
  /** In the trace's order; incidents befall these. */
  readonly workers: readonly ChildProcess[];
  /** Messages that have gone into and out of a NATS server so far. */
  readonly messages?: () => Promise<number>;
  /** Of what it runs on, for the report. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Starts everything and resolves when it serves. What it starts belongs to `children`, also when it throws. */
export type SystemStarter = (setup: Setup) => Promise<RunningSystem>;

/** Name of the function, subject and queue in every system. */
export const FUNCTION = 'bench';
