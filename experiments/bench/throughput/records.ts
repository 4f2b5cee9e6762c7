import type { LoadFigures } from '../../harness/http-load/plan.ts';
import type { Role } from '../../harness/running-process.ts';
import { median, sum } from '../../harness/statistics.ts';

/** A figure for each role of a system's processes. */
export type ByRole = Readonly<Partial<Record<Role, number>>>;

/** What is called alike: a column of runs that can be compared. */
export interface Cell {
  readonly connections: number;
  readonly bodyBytes: number;
}

/** One run of one system. */
export interface RunRecord extends Cell {
  readonly system: string;
  readonly round: number;
  readonly figures: LoadFigures;
  /** Microseconds of processor time for each call; the generator's too. */
  readonly processorUs: ByRole;
  /** NATS messages in and out for each call. */
  readonly messagesPerCall: number | undefined;
  /** Share of the machine that went to others meanwhile; undefined where it cannot be told. */
  readonly foreignShare: number | undefined;
}

/** Memory of a system in bytes: when it serves and nobody has called, and after all runs. */
export interface MemoryRecord {
  readonly idle: ByRole;
  readonly after: ByRole;
}

/** A figure of a run. */
export type Figure = (run: RunRecord) => number | undefined;

/** Figures that reports and goals are made of. */
export const figures = {
  gateway: ({ processorUs }) => processorUs.gateway,
  worker: ({ processorUs }) => processorUs.worker,
  broker: ({ processorUs }) => processorUs.broker,
  generator: ({ processorUs }) => processorUs.generator,
  stack: ({ processorUs: { gateway = 0, worker = 0, broker = 0 } }) => gateway + worker + broker,
  perSecond: ({ figures: { calls, seconds } }) => calls / seconds,
  p50Ms: (run) => run.figures.p50Ms,
  p99Ms: (run) => run.figures.p99Ms,
  messages: ({ messagesPerCall }) => messagesPerCall,
} satisfies Record<string, Figure>;

/** How many answers of a run were none. */
export function errorsOf({ figures: { errors } }: RunRecord): number {
  return sum(Object.values(errors));
}

/** The median, and between what it lies. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** All runs of a benchmark. */
export class Records {
  readonly runs: RunRecord[] = [];
  /** By system. */
  readonly memory = new Map<string, MemoryRecord>();
  /** Why a system is left out, by its name. */
  readonly missing = new Map<string, string>();

  of(cell: Cell, system: string): RunRecord[] {
    return this.runs.filter(
      (run) =>
        run.system === system && run.connections === cell.connections && run.bodyBytes === cell.bodyBytes,
    );
  }

  /** Over the rounds; undefined when no run has the figure. */
  spread(cell: Cell, system: string, figure: Figure): Spread | undefined {
    return spreadOf(this.of(cell, system).flatMap((run) => figure(run) ?? []));
  }

  /** Of one system's figure divided by another's in the same round; undefined when they share none. */
  ratio(cell: Cell, system: string, to: string, figure: Figure): Spread | undefined {
    const others = this.of(cell, to);
    const ratios = this.of(cell, system).flatMap((run) => {
      const other = others.find(({ round }) => round === run.round);
      const [value, base] = [figure(run), other && figure(other)];
      return value === undefined || !base ? [] : [value / base];
    });
    return spreadOf(ratios);
  }
}

function spreadOf(values: readonly number[]): Spread | undefined {
  const middle = median(values);
  return middle === undefined
    ? undefined
    : { median: middle, min: Math.min(...values), max: Math.max(...values) };
}
