import type { MeasuredCall } from '../../harness/generator/trace.ts';
import { median, percentile, sum } from '../../harness/statistics.ts';
import type { WorkEntry } from './work.ts';

/** What a run came to. Shares are 0-1; times are milliseconds. */
export interface Summary {
  readonly offered: number;
  readonly goodput: number;
  /** Of the good answers, from the moment the call was due. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  /** Of calls that failed, without those whose caller left by itself. */
  readonly medianFailureMs: number | undefined;
  /** Share of the workers' time that went to calls whose caller got no answer in time. */
  readonly wasted: number | undefined;
  /** Calls that were begun more than once. */
  readonly ranTwice: number;
  /** How often each code was the end of a call. */
  readonly codes: Readonly<Record<string, number>>;
  /** How late the generator was. */
  readonly latenessP99Ms: number | undefined;
}

/** Sums up a run; calls of the lead-in do not count. */
export function summarize(calls: readonly MeasuredCall[], work: readonly WorkEntry[]): Summary {
  const counted = calls.filter(({ leadIn }) => !leadIn);
  const measured = new Set(counted.map(({ call }) => call));
  const good = counted.filter((outcome) => outcome.good);
  const failed = counted.filter((outcome) => !outcome.good && outcome.code !== 'left');
  const latencies = good.map(({ afterMs }) => afterMs);
  return {
    offered: counted.length,
    goodput: counted.length === 0 ? 0 : good.length / counted.length,
    p50Ms: median(latencies),
    p99Ms: percentile(latencies, 0.99),
    medianFailureMs: median(failed.map(({ afterMs }) => afterMs)),
    wasted: wastedShare(
      work.filter(({ call }) => measured.has(call)),
      new Set(good.map(({ call }) => call)),
    ),
    ranTwice: ranTwice(work),
    codes: countCodes(counted),
    latenessP99Ms: percentile(
      counted.map(({ lateMs }) => lateMs),
      0.99,
    ),
  };
}

/** Undefined when nothing was worked. The second run of a call that was answered is not waste by this measure. */
function wastedShare(work: readonly WorkEntry[], good: ReadonlySet<number>): number | undefined {
  const spent = (entries: readonly WorkEntry[]) =>
    sum(entries.map(({ beganAt, endedAt }) => endedAt - beganAt));
  const total = spent(work);
  return total === 0 ? undefined : spent(work.filter(({ call }) => !good.has(call))) / total;
}

function ranTwice(work: readonly WorkEntry[]): number {
  const runs = new Map<number, number>();
  for (const { call } of work) runs.set(call, (runs.get(call) ?? 0) + 1);
  return [...runs.values()].filter((times) => times > 1).length;
}

function countCodes(calls: readonly MeasuredCall[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { code } of calls) counts.set(code, (counts.get(code) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a));
}
