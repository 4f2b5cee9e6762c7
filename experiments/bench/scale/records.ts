import { median } from '../../harness/statistics.ts';
import type { RunFigures } from './run.ts';

/** One run of one level of one dimension. */
export interface RunRecord extends RunFigures {
  readonly dimension: string;
  readonly level: number;
  readonly round: number;
}

/** A figure of a run. */
export type Figure = (run: RunRecord) => number | undefined;

/** Figures that reports and goals are made of. */
export const figures = {
  gatewayUs: (run) => run.gatewayUs,
  brokerUs: (run) => run.brokerUs,
  idleShare: (run) => run.idleShare,
  messages: (run) => run.messagesPerCall,
  perSecond: ({ figures: { calls, seconds } }) => calls / seconds,
  p50Ms: (run) => run.figures.p50Ms,
  gatewayBytes: (run) => run.gatewayBytes,
} satisfies Record<string, Figure>;

/** All runs of a benchmark. */
export class Records {
  readonly runs: RunRecord[] = [];
  /** Runs that failed, and why. */
  readonly lost: { readonly dimension: string; readonly level: number; readonly reason: string }[] = [];

  of(dimension: string, level: number): RunRecord[] {
    return this.runs.filter((run) => run.dimension === dimension && run.level === level);
  }

  /** Over the rounds; undefined when no run has the figure. */
  median(dimension: string, level: number, figure: Figure): number | undefined {
    return median(this.of(dimension, level).flatMap((run) => figure(run) ?? []));
  }

  /** Median over the rounds of a figure divided by that of another level in the same round. */
  growth(dimension: string, level: number, from: number, figure: Figure): number | undefined {
    const bases = this.of(dimension, from);
    const ratios = this.of(dimension, level).flatMap((run) => {
      const base = bases.find(({ round }) => round === run.round);
      const [value, divisor] = [figure(run), base && figure(base)];
      return value === undefined || !divisor ? [] : [value / divisor];
    });
    return median(ratios);
  }
}
