import { Children } from './children.ts';
import { summarize } from './metrics.ts';
import type { BenchOptions } from './options.ts';
import { Records, type RunRecord } from './records.ts';
import { type RealRun, runReal } from './run.ts';
import { simulate } from './simulate.ts';
import { isSimulated, realSystem } from './systems/all.ts';
import { makeTrace, type Trace } from './trace.ts';
import { isShort } from './workloads.ts';

const ATTEMPTS = 2;
/** The last call of a burst is late because of the others, on any machine. */
const BURST_LATENESS_FACTOR = 6;

/** Processes of the runs under way; `endAll` is for an interrupt. */
const active = new Set<Children>();

/** Ends everything that was started. */
export async function endAll(): Promise<void> {
  await Promise.all([...active].map((children) => children.end()));
}

/** What a bench came to. */
export interface BenchResult {
  readonly records: Records;
  /** Programs that were measured. */
  readonly versions: Record<string, string>;
}

/** Runs every workload, seed and system; tells `progress` of each run. A run that fails is lost, not fatal. */
export async function runBench(
  options: BenchOptions,
  progress: (line: string) => void,
): Promise<BenchResult> {
  const records = new Records();
  const versions: Record<string, string> = {};
  const realRuns: { trace: Trace; system: string; maxLatenessMs: number }[] = [];
  for (const workload of options.workloads) {
    for (const seed of options.seeds) {
      const trace = makeTrace(workload, seed, options);
      const maxLatenessMs =
        options.maxLatenessMs * (workload.arrivals.kind === 'bursts' ? BURST_LATENESS_FACTOR : 1);
      for (const system of options.systems) {
        if (!isSimulated(system)) realRuns.push({ trace, system, maxLatenessMs });
        // Speed of real processes has no simulated counterpart.
        else if (!isShort(workload)) {
          const { outcomes, work } = simulate(trace, system);
          records.runs.push(record(trace, system, summarize(outcomes, work)));
        }
      }
    }
  }
  const total = realRuns.length;
  let finished = 0;
  const lane = async () => {
    for (let next = realRuns.shift(); next !== undefined; next = realRuns.shift()) {
      const line = await runCounted(next.trace, next.system, next.maxLatenessMs, { records, versions });
      finished++;
      progress(`${finished}/${total} ${line}`);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  return { records, versions };
}

/** Runs until the generator was in time, at most twice; returns what happened in a line. */
async function runCounted(
  trace: Trace,
  system: string,
  maxLatenessMs: number,
  { records, versions }: BenchResult,
): Promise<string> {
  const { workload, seed } = trace;
  let said = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const run = await runOnce(trace, system);
      const summary = summarize(run.outcomes, run.work);
      said = `${(100 * summary.goodput).toFixed(1)} % of ${summary.offered}`;
      Object.assign(versions, run.versions);
      const lateMs = summary.latenessP99Ms ?? 0;
      if (lateMs <= maxLatenessMs) {
        const { messagesPerCall, processorUs } = run;
        records.runs.push({ ...record(trace, system, summary), messagesPerCall, processorUs });
        return `${workload} seed ${seed} ${system}: ${said}`;
      }
      const reason = `generator late by ${lateMs.toFixed(1)} ms (p99)`;
      records.lost.push({ workload, system, seed, reason, summary });
      said += `, lost: ${reason}`;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      records.lost.push({ workload, system, seed, reason });
      said = `lost: ${reason}`;
    }
  }
  return `${workload} seed ${seed} ${system}: ${said}`;
}

async function runOnce(trace: Trace, name: string): Promise<RealRun> {
  const system = realSystem(name);
  if (system === undefined) throw new Error(`no system is called ${name}`);
  const children = new Children();
  active.add(children);
  try {
    return await runReal(trace, system, children);
  } finally {
    active.delete(children);
  }
}

function record(trace: Trace, system: string, summary: RunRecord['summary']): RunRecord {
  const seconds = (trace.endMs - trace.leadInMs) / 1000;
  const perSecond = (summary.goodput * summary.offered) / seconds;
  return { workload: trace.workload, system, seed: trace.seed, summary, perSecond };
}
