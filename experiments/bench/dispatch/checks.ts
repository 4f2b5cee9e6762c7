import { atLeast, atMost, type GoalResult } from '../../harness/goals.ts';
import type { Records, RunRecord } from './records.ts';
import { DEADLINE_MS, isShort, type Workload } from './workloads.ts';

/**
 * What must be reached, as medians over the seeds. `slack` is for short runs on machines that others use: a single
 * seed of some hundred calls scatters by some percent.
 */
export interface Thresholds {
  /** Of aLIFO's goodput, at loads up to 0.95, through one to four gateways. */
  readonly ratioBelowSaturation: number;
  /** Of aLIFO's goodput, at loads of 1.5 and 3.0. */
  readonly ratioAboveSaturation: number;
  /** Of aLIFO's goodput, with a frozen or killed worker. */
  readonly ratioWithIncident: number;
  readonly slowAndFastGoodput: number;
  readonly wasted: number;
  /** Median time to a refusal as a share of the deadline. */
  readonly refusalShare: number;
  /** Times the goodput of RabbitMQ and of HAProxy. */
  readonly timesOthersAt: Readonly<Record<string, number>>;
  readonly messagesPerCall: number;
}

export const fullThresholds: Thresholds = {
  ratioBelowSaturation: 0.98,
  ratioAboveSaturation: 0.94,
  ratioWithIncident: 0.99,
  slowAndFastGoodput: 0.99,
  wasted: 0.12,
  refusalShare: 0.6,
  timesOthersAt: { 'W2@1.5': 2.5, 'W2@3': 7 },
  messagesPerCall: 4.05,
};

export const quickThresholds: Thresholds = {
  ...fullThresholds,
  ratioBelowSaturation: 0.94,
  ratioAboveSaturation: 0.86,
  slowAndFastGoodput: 0.96,
  wasted: 0.2,
  refusalShare: 0.75,
};

const SATURATED_LOAD = 1.5;
/** Quick handlers at this workload leave slots free, so that a call costs no more than a plain request. */
const FREE_SLOTS = ['short@0ms-2000/s', 'short@1ms-2000/s'];

/** Judges `ours` in all workloads that ran; what was not measured is not judged. */
export function checkRecords(
  workloads: readonly Workload[],
  records: Records,
  limits: Thresholds,
): GoalResult[] {
  return workloads.flatMap((workload) =>
    isShort(workload) ? checkShort(workload, records, limits) : checkGoodput(workload, records, limits),
  );
}

function checkGoodput(
  { id, load = 0, incidents }: Workload,
  records: Records,
  limits: Thresholds,
): GoalResult[] {
  const ours = (figure: (run: RunRecord) => number | undefined) => records.median(id, 'ours', figure);
  const saturated = load >= SATURATED_LOAD;
  const ratioLimit = saturated
    ? limits.ratioAboveSaturation
    : incidents.length > 0
      ? limits.ratioWithIncident
      : limits.ratioBelowSaturation;
  const results = [...atLeast(`${id}: goodput / aLIFO's`, records.ratio(id, 'ours', 'alifo'), ratioLimit)];
  if (id === 'W1') {
    results.push(...atLeast(`${id}: goodput`, records.goodput(id, 'ours'), limits.slowAndFastGoodput));
  }
  if (saturated) {
    const refusal = ours((run) => run.summary.medianFailureMs);
    results.push(
      ...atMost(
        `${id}: worker time wasted`,
        ours((run) => run.summary.wasted),
        limits.wasted,
      ),
      ...atMost(
        `${id}: median refusal / deadline`,
        refusal === undefined ? undefined : refusal / DEADLINE_MS,
        limits.refusalShare,
      ),
    );
  }
  for (const other of ['rabbitmq', 'haproxy']) {
    const times = limits.timesOthersAt[id];
    if (times !== undefined) {
      results.push(...atLeast(`${id}: goodput / ${other}'s`, records.ratio(id, 'ours', other), times));
    }
  }
  return results;
}

function checkShort({ id }: Workload, records: Records, limits: Thresholds): GoalResult[] {
  if (!FREE_SLOTS.includes(id)) return [];
  const messages = records.median(id, 'ours', (run) => run.messagesPerCall);
  return atMost(`${id}: NATS messages per call`, messages, limits.messagesPerCall);
}
