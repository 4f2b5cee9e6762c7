import { setTimeout as pause } from 'node:timers/promises';
import { withProcesses } from '../../harness/bench-program.ts';
import { SIZE_HEADER } from '../../harness/call-headers.ts';
import type { RequestPlan } from '../../harness/http-load/plan.ts';
import { LoadProcess } from '../../harness/http-load/start.ts';
import type { Processes } from '../../harness/processes.ts';
import { MissingProgram } from '../../harness/proxies/proxy.ts';
import type { OverloadOptions } from './options.ts';
import { type OverloadRecord, Records, recoveryOf, summarize } from './records.ts';
import type { SystemStarter } from './systems.ts';

/** What a bench came to. */
export interface BenchResult {
  readonly records: Records;
  readonly versions: Record<string, string>;
}

const PAUSE_MS = 500;
const MEMORY_EVERY_MS = 200;
/** Share of the peak that is offered after an overload. */
const NORMAL_LOAD = 0.5;

/** Runs each handler on each system; `progress` is told of each run and of what there is so far. */
export async function runBench(
  options: OverloadOptions,
  progress: (line: string, soFar: BenchResult) => void,
): Promise<BenchResult> {
  const result: BenchResult = { records: new Records(), versions: {} };
  await withProcesses(async (load) => {
    const generators = Array.from(
      { length: options.generators },
      (_, i) => new LoadProcess(load, `load ${i + 1}`),
    );
    for (const handlerMs of options.handlers) {
      for (const [system, start] of Object.entries(options.systems)) {
        const tell = (line: string) => progress(`${handlerMs} ms, ${system}: ${line}`, result);
        await runSystem({ handlerMs, system, start }, options, generators, result, tell);
      }
    }
  });
  return result;
}

async function runSystem(
  { handlerMs, system, start }: { handlerMs: number; system: string; start: SystemStarter },
  options: OverloadOptions,
  generators: readonly LoadProcess[],
  { records, versions }: BenchResult,
  tell: (line: string) => void,
): Promise<void> {
  const { slots, deadlineMs } = options;
  await withProcesses(async (processes) => {
    try {
      const running = await start(processes, { handlerMs, slots, deadlineMs });
      Object.assign(versions, running.versions);
      const headers = { 'Request-Timeout': String(deadlineMs / 1000), [SIZE_HEADER]: '0' };
      const request: RequestPlan = { url: running.url, bodyBytes: 256, headers };
      const perSecond = await peakOf(request, options, generators);
      records.peaks.push({ handlerMs, system, perSecond });
      tell(`peak ${perSecond.toFixed(0)}/s`);
      // The same calls for all: multiples of the first system's peak.
      const base = records.peaks.find((peak) => peak.handlerMs === handlerMs)?.perSecond ?? perSecond;
      for (const times of options.times) {
        const overload = await overloaded(request, { base, times }, options, generators, processes);
        const run = { handlerMs, system, ...overload };
        records.runs.push(run);
        tell(lineOf(run));
        await pause(PAUSE_MS);
      }
    } catch (error) {
      if (!(error instanceof MissingProgram)) throw error;
      records.missing.set(system, error.message);
      tell(`left out: ${error.message}`);
    }
  });
}

/** Calls a second in a closed loop, by the number in flight that gives the most. */
async function peakOf(
  request: RequestPlan,
  { slots, peakSeconds, warmUpCalls }: OverloadOptions,
  [generator]: readonly LoadProcess[],
): Promise<number> {
  await generator?.warmUp({ ...request, connections: 4 * slots }, warmUpCalls);
  let peak = 0;
  for (const connections of [4 * slots, 2 * slots, slots]) {
    generator?.begin({ ...request, connections });
    await pause(PAUSE_MS);
    await generator?.mark();
    await pause(peakSeconds * 1000);
    await generator?.measure();
    const { calls = 0, seconds = 1 } = (await generator?.stop()) ?? {};
    peak = Math.max(peak, calls / seconds);
  }
  return peak;
}

async function overloaded(
  request: RequestPlan,
  { base, times }: { base: number; times: number },
  { seconds, afterSeconds, deadlineMs }: OverloadOptions,
  generators: readonly LoadProcess[],
  processes: Processes,
): Promise<Omit<OverloadRecord, 'handlerMs' | 'system'>> {
  const each = base / generators.length;
  const phases = [
    { perSecond: times * each, seconds },
    { perSecond: NORMAL_LOAD * each, seconds: afterSeconds },
  ];
  const gatewayBytes = () => processes.residentBytes().get('gateway') ?? 0;
  const gatewayUs = () => processes.processorUs().get('gateway') ?? 0;
  const before = gatewayBytes();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, gatewayBytes());
  }, MEMORY_EVERY_MS);
  const usedBefore = gatewayUs();
  const used = pause(seconds * 1000).then(() => gatewayUs() - usedBefore);
  const parts = await Promise.all(
    generators.map((generator, seed) => generator.play({ ...request, phases, deadlineMs, seed })),
  );
  clearInterval(watch);
  const phase = (index: number) => parts.flatMap((part) => part[index] ?? []);
  const overload = summarize(phase(0), seconds);
  return {
    ...{ times, offered: times * base, overload, memory: { before, most } },
    recoveredAfterS: recoveryOf(phase(1)),
    gatewayUs: (await used) / Math.max(1, overload.sentPerSecond * seconds),
  };
}

function lineOf({ times, offered, overload, recoveredAfterS, gatewayUs }: OverloadRecord): string {
  const { goodPerSecond, refusedP50Ms, lateP99Ms, codes } = overload;
  return (
    `${times} × (${offered.toFixed(0)}/s): ${goodPerSecond.toFixed(0)} good/s, refusal ` +
    `${refusedP50Ms?.toFixed(0) ?? '–'} ms, gateway ${gatewayUs.toFixed(0)} µs/call, normal after ` +
    `${recoveredAfterS ?? '–'} s, generator late ${lateP99Ms?.toFixed(0) ?? '–'} ms (p99) ${JSON.stringify(codes)}`
  );
}
