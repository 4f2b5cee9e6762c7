import type { LedgerEntry, LedgerRun } from '../harness/ledger.ts';
import { percentile } from '../harness/statistics.ts';
import { answeredAfterMs, isResult, type SeenCall } from './calls.ts';
import type { AnswerCount, Sample, Variant, WorkerFigures } from './result.ts';

/** What a run of one variant left behind. */
export interface Evidence {
  readonly calls: readonly SeenCall[];
  readonly ledger: readonly LedgerEntry[];
  readonly runs: readonly LedgerRun[];
  /** All workers, also those that got nothing. */
  readonly workers: readonly string[];
  /** Calls that a worker's log says it had and did not run (`busy`, `expired`), by worker. */
  readonly refused: ReadonlyMap<string, number>;
  /** When workers were killed, by name. */
  readonly killed: ReadonlyMap<string, number>;
}

const SAMPLES = 120;

/** How often callers saw what, the most frequent first. */
export function outcomesOf(calls: readonly SeenCall[]): AnswerCount[] {
  const outcomes = new Map<string, AnswerCount>();
  for (const { status, code, started } of calls) {
    const key = `${status} ${code} ${started}`;
    const count = (outcomes.get(key)?.count ?? 0) + 1;
    outcomes.set(key, { status, code, ...(started === undefined ? {} : { started }), count });
  }
  return [...outcomes.values()].sort((one, other) => other.count - one.count);
}

/** What callers saw, in words: `3 ok, 1 worker_lost (started: unknown)`. */
export function describeOutcomes(calls: readonly SeenCall[]): string {
  const texts = outcomesOf(calls).map(({ code, started, count }) =>
    started === undefined ? `${count} ${code}` : `${count} ${code} (started: ${started})`,
  );
  return texts.join(', ') || 'none';
}

/** Times of all answers, from the moment calls were due; undefined without any. */
export function latencyOf(calls: readonly SeenCall[]): Variant['latencyMs'] {
  const times = calls.filter(({ status }) => status > 0).map(({ tookMs }) => tookMs);
  const [p50, p90, p99, max] = [0.5, 0.9, 0.99, 1].map((share) => percentile(times, share));
  if (p50 === undefined || p90 === undefined || p99 === undefined || max === undefined) return undefined;
  return { p50, p90, p99, max };
}

/** What became of the calls of each worker. */
export function workerFigures(evidence: Evidence): WorkerFigures[] {
  const { ledger, runs, workers, refused } = evidence;
  const inVain = new Set(wastedRuns(evidence));
  return workers.map((name) => {
    const own = runs.filter(({ worker }) => worker === name);
    const wasted = own.filter((run) => inVain.has(run));
    const received = ledger.filter(({ worker, kind }) => worker === name && kind === 'received').length;
    return {
      name,
      received: received + (refused.get(name) ?? 0),
      answered: own.length - wasted.length,
      wasted: wasted.length,
      workMs: workMs(own),
      wastedMs: workMs(wasted),
    };
  });
}

/**
 * Runs whose answer nobody got in time. Where several groups ran a call, the run that ended first is the one whose
 * answer its caller got.
 */
export function wastedRuns({ calls, runs }: Pick<Evidence, 'calls' | 'runs'>): LedgerRun[] {
  const answers = new Map<number, LedgerRun>();
  const results = new Set(calls.filter(isResult).map(({ n }) => n));
  for (const run of runs) {
    if (run.end !== 'ended' || !results.has(run.call)) continue;
    const other = answers.get(run.call);
    if (other === undefined || run.endedAt < other.endedAt) answers.set(run.call, run);
  }
  return runs.filter((run) => answers.get(run.call) !== run);
}

/** How long runs took together, in milliseconds. */
export function workMs(runs: readonly LedgerRun[]): number {
  return runs.reduce((sum, { beganAt, endedAt }) => sum + endedAt - beganAt, 0);
}

/** Moments at equal distances from `startedAt` to `endedAt`. */
export function samplesOf(
  { calls, ledger, runs, killed }: Evidence,
  startedAt: number,
  endedAt: number,
): Sample[] {
  const buffered = bufferedSpans(ledger, killed);
  const waiting = calls.map(({ dueAt, lateMs, tookMs }): Span => [dueAt + lateMs, dueAt + tookMs]);
  const running = runs.map(({ beganAt, endedAt: end }): Span => [beganAt, end]);
  return Array.from({ length: SAMPLES + 1 }, (_, index) => {
    const atMs = ((endedAt - startedAt) * index) / SAMPLES;
    const count = (spans: readonly Span[]) => countAt(spans, startedAt + atMs);
    return { atMs, waiting: count(waiting), buffered: count(buffered), running: count(running) };
  });
}

/** The median time to an answer that is a no; undefined without one. */
export function medianRefusalMs(calls: readonly SeenCall[]): number | undefined {
  const refused = calls.filter(({ started }) => started === 'no');
  return percentile(refused.map(answeredAfterMs), 0.5);
}

/** Whole calls as a share of another number, for people: `51.3 %`. */
export function percent(part: number, whole: number): string {
  return whole === 0 ? 'none' : `${((100 * part) / whole).toFixed(1)} %`;
}

type Span = readonly [from: number, to: number];

function countAt(spans: readonly Span[], at: number): number {
  return spans.filter(([from, to]) => from <= at && at < to).length;
}

/** A call is in a buffer from its receipt to its beginning, or to what became of it instead, or of its worker. */
function bufferedSpans(ledger: readonly LedgerEntry[], killed: Evidence['killed']): Span[] {
  const open = new Map<string, LedgerEntry>();
  const spans: Span[] = [];
  for (const entry of ledger) {
    const { kind, worker, call, at } = entry;
    const key = `${worker} ${call}`;
    const received = open.get(key);
    if (kind === 'received') open.set(key, entry);
    else if (received !== undefined && (kind === 'began' || kind === 'dropped' || kind === 'skipped')) {
      open.delete(key);
      spans.push([received.at, at]);
    }
  }
  for (const { worker, at } of open.values())
    spans.push([at, killed.get(worker) ?? Number.POSITIVE_INFINITY]);
  return spans;
}
