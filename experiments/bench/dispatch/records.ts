import type { Role } from '../../harness/running-process.ts';
import { median } from '../../harness/statistics.ts';
import type { Summary } from './metrics.ts';

/** One run in the results. */
export interface RunRecord {
  readonly workload: string;
  readonly system: string;
  readonly seed: number;
  readonly summary: Summary;
  /** Good answers a second of measured time. */
  readonly perSecond: number;
  readonly messagesPerCall?: number | undefined;
  /** Microseconds of processor time for each call. */
  readonly processorUs?: Readonly<Partial<Record<Role, number>>>;
}

/** A run that does not count: the generator was late, others used the machine, or it failed. */
export interface LostRun {
  readonly workload: string;
  readonly system: string;
  readonly seed: number;
  readonly reason: string;
  /** What it came to, where it came to an end. */
  readonly summary?: Summary;
}

/** All runs, with the medians over the seeds that reports and checks are made of. */
export class Records {
  readonly runs: RunRecord[] = [];
  readonly lost: LostRun[] = [];

  of(workload: string, system: string): RunRecord[] {
    return this.runs.filter((run) => run.workload === workload && run.system === system);
  }

  /** Median over the seeds of a figure; undefined when no run has it. */
  median(
    workload: string,
    system: string,
    figure: (run: RunRecord) => number | undefined,
  ): number | undefined {
    return median(this.of(workload, system).flatMap((run) => figure(run) ?? []));
  }

  goodput(workload: string, system: string): number | undefined {
    return this.median(workload, system, (run) => run.summary.goodput);
  }

  /** Median over the seeds of the goodput divided by another system's on the same trace. */
  ratio(workload: string, system: string, to: string): number | undefined {
    const others = this.of(workload, to);
    return this.median(workload, system, ({ seed, summary }) => {
      const other = others.find((run) => run.seed === seed)?.summary.goodput;
      return other === undefined || other === 0 ? undefined : summary.goodput / other;
    });
  }
}
