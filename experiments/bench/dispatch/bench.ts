import { withProcesses } from '../../harness/bench-program.ts';
import { type Summary, summarize } from './metrics.ts';
import type { BenchOptions } from './options.ts';
import { Records, type RunRecord } from './records.ts';
import { type RealRun, runReal } from './run.ts';
import { simulate } from './simulate.ts';
import { isSimulated, realSystem } from './systems/all.ts';
import { makeTrace, type Trace } from './trace.ts';
import { isShort } from './workloads.ts';

const ATTEMPTS = 6;
/** The last call of a burst is late because of the others, on any machine. */
const BURST_LATENESS_FACTOR = 6;

/** What a bench came to. */
export interface BenchResult {
  readonly records: Records;
  /** Programs that were measured. */
  readonly versions: Record<string, string>;
}

/** Runs every workload, seed and system; tells `progress` of each run and of what there is so far. A run that fails is lost, not fatal. */
export async function runBench(
  options: BenchOptions,
  progress: (line: string, soFar: BenchResult) => void,
): Promise<BenchResult> {
  const records = new Records();
  const versions: Record<string, string> = {};
  const waiting: RealTask[] = [];
  // One seed after the other: a bench that is broken off has something of everything.
  for (const seed of options.seeds) {
    for (const workload of options.workloads) {
      const trace = makeTrace(workload, seed, options);
      const maxLatenessMs =
        options.maxLatenessMs * (workload.arrivals.kind === 'bursts' ? BURST_LATENESS_FACTOR : 1);
      for (const system of options.systemsFor(workload)) {
        if (!isSimulated(system)) waiting.push({ trace, system, maxLatenessMs, attempt: 1 });
        // Speed of real processes has no simulated counterpart.
        else if (!isShort(workload)) {
          const { calls, work } = simulate(trace, system);
          records.runs.push(record(trace, system, summarize(calls, work)));
        }
      }
    }
  }
  const total = waiting.length;
  let finished = 0;
  const lane = async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const { said, reason } = await runTask(task, options, { records, versions });
      const isRepeated = reason !== undefined && task.attempt < ATTEMPTS;
      // Whatever held it up may be over when the others have had their turn.
      if (isRepeated) waiting.push({ ...task, attempt: task.attempt + 1 });
      else finished++;
      const lost = reason === undefined ? '' : `, lost: ${reason}${isRepeated ? '; once more later' : ''}`;
      const { workload, seed } = task.trace;
      const line = `${finished}/${total} ${workload} seed ${seed} ${task.system}: ${said}${lost}`;
      progress(line, { records, versions });
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, lane));
  return { records, versions };
}

interface RealTask {
  readonly trace: Trace;
  readonly system: string;
  readonly maxLatenessMs: number;
  readonly attempt: number;
}

/** One run; `reason` is why it does not count. */
async function runTask(
  { trace, system, maxLatenessMs }: RealTask,
  options: BenchOptions,
  { records, versions }: BenchResult,
): Promise<{ said: string; reason: string | undefined }> {
  const { workload, seed } = trace;
  try {
    const run = await runOnce(trace, system);
    const summary = summarize(run.calls, run.work);
    const said = `${(100 * summary.goodput).toFixed(1)} % of ${summary.offered}`;
    Object.assign(versions, run.versions);
    const reason = whyLost(summary, run, maxLatenessMs, options);
    if (reason !== undefined) records.lost.push({ workload, system, seed, reason, summary });
    else {
      const { messagesPerCall, processorUs } = run;
      records.runs.push({ ...record(trace, system, summary), messagesPerCall, processorUs });
    }
    return { said, reason };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    records.lost.push({ workload, system, seed, reason });
    return { said: 'failed', reason };
  }
}

/** Such a run measured the machine: the generator was late, or others had too much of it. */
function whyLost(
  { latenessP99Ms = 0 }: Summary,
  { foreignShare = 0 }: RealRun,
  maxLatenessMs: number,
  { parallel, maxForeignShare }: BenchOptions,
): string | undefined {
  if (latenessP99Ms > maxLatenessMs) return `generator late by ${latenessP99Ms.toFixed(1)} ms (p99)`;
  // With several runs at a time each is foreign to the others.
  if (parallel === 1 && foreignShare > maxForeignShare) {
    return `others used ${(100 * foreignShare).toFixed(0)} % of the machine`;
  }
  return undefined;
}

async function runOnce(trace: Trace, name: string): Promise<RealRun> {
  const system = realSystem(name);
  if (system === undefined) throw new Error(`no system is called ${name}`);
  return withProcesses((processes) => runReal(trace, system, processes));
}

function record(trace: Trace, system: string, summary: RunRecord['summary']): RunRecord {
  const seconds = (trace.endMs - trace.leadInMs) / 1000;
  const perSecond = (summary.goodput * summary.offered) / seconds;
  return { workload: trace.workload, system, seed: trace.seed, summary, perSecond };
}
