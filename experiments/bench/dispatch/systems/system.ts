import type { CallerPlan } from '../../../harness/generator/callers/caller.ts';
import type { JobSettings } from '../../../harness/job.mjs';
import type { Processes } from '../../../harness/processes.ts';
import type { RunningProcess } from '../../../harness/running-process.ts';
import type { Trace } from '../trace.ts';

/** What a system is set up from. */
export interface Setup {
  readonly trace: Trace;
  readonly processes: Processes;
  /** The job of each worker, in the trace's order; the system says where its broker is. */
  readonly jobs: readonly JobSettings[];
}

/** A system that serves. */
export interface RunningSystem {
  readonly caller: Omit<CallerPlan, 'deadlineMs'>;
  /** In the trace's order; incidents befall these. */
  readonly workers: readonly RunningProcess[];
  /** Messages that have gone into and out of a NATS server so far. */
  readonly messages?: () => Promise<number>;
  /** Of what it runs on, for the report. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Starts everything and resolves when it serves. What it starts belongs to `processes`, also when it throws. */
export type SystemStarter = (setup: Setup) => Promise<RunningSystem>;

/** Name of the function, subject and queue in every system. */
export const FUNCTION = 'bench';

/** The jobs of all workers of a trace. The short workloads measure speed: their workers keep no ledger. */
export function jobsOf(trace: Trace, folder: string): JobSettings[] {
  const isNoted = trace.closed === undefined && trace.slots === 1;
  return trace.workers.map((speed, index) => ({
    ...speed,
    worker: `worker ${index}`,
    ledgerFolder: isNoted ? folder : undefined,
    subject: FUNCTION,
    url: '',
    group: 'workers',
    slots: trace.slots,
    budgetMs: trace.deadlineMs,
    buffer: {},
  }));
}
