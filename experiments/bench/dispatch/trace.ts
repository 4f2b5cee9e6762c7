import { randomStream } from '../../../lib/random-stream.ts';
import type { CallTrace, TraceCall } from '../../harness/generator/trace.ts';
import { drawSize, poissonTimes } from '../../harness/random.ts';
import { DEADLINE_MS, type Incident, type WorkerSpeed, type Workload } from './workloads.ts';

/** An incident at its time, in milliseconds from the start of the run. */
export interface TraceIncident {
  readonly kind: Incident['kind'];
  readonly worker: number;
  readonly at: number;
}

/** All that happens in a run, the same for every system. */
export interface Trace extends CallTrace {
  readonly workload: string;
  readonly seed: number;
  readonly workers: readonly WorkerSpeed[];
  readonly slots: number;
  readonly incidents: readonly TraceIncident[];
}

/** What may differ from the workload's own figures. */
export interface TraceOptions {
  readonly leadInMs: number;
  /** Measured seconds instead of the workload's. */
  readonly seconds?: number | undefined;
  /** Multiplies every time, the deadline too. */
  readonly timeScale: number;
}

/** The trace of a workload and a seed: the same seed makes the same trace on every machine. */
export function makeTrace(workload: Workload, seed: number, options: TraceOptions): Trace {
  const scale = options.timeScale;
  const measuredMs = 1000 * (options.seconds ?? workload.seconds);
  const endMs = options.leadInMs + measuredMs;
  const frame = {
    workload: workload.id,
    seed,
    deadlineMs: DEADLINE_MS * scale,
    leadInMs: options.leadInMs * scale,
    endMs: endMs * scale,
    workers: workload.workers.map((speed) => ({ baseMs: speed.baseMs * scale, scale: speed.scale })),
    slots: workload.slots,
    gateways: workload.gateways,
    incidents: workload.incidents.map(({ kind, worker, atShare }) => ({
      kind,
      worker,
      at: (options.leadInMs + atShare * measuredMs) * scale,
    })),
  };
  if (workload.arrivals.kind === 'closed') {
    const size = drawSize(workload.size, () => 0) * scale;
    return { ...frame, calls: [], closed: { inFlight: workload.arrivals.inFlight, size } };
  }
  return { ...frame, calls: makeCalls(workload, seed, endMs, scale) };
}

function makeCalls(workload: Workload, seed: number, endMs: number, scale: number): TraceCall[] {
  // The workload's name is part of the seed: two loads of one workload are independent samples.
  const stream = (purpose: string) => randomStream(seed, `${workload.id}/${purpose}`);
  const [sizes, gateways, leaving] = [stream('sizes'), stream('gateways'), stream('leaving')];
  return arrivalTimes(workload, stream('arrivals'), endMs).map((at, id) => {
    const size = drawSize(workload.size, sizes) * scale;
    const gateway = Math.floor(gateways() * workload.gateways);
    const [leaves, after] = [leaving() < workload.leaverShare, leaving() * DEADLINE_MS];
    const call = { id, at: at * scale, size, gateway };
    return leaves ? { ...call, leavesAt: (at + after) * scale } : call;
  });
}

function arrivalTimes(workload: Workload, random: () => number, endMs: number): number[] {
  const { arrivals } = workload;
  if (arrivals.kind === 'poisson') return poissonTimes(arrivals.perSecond, endMs, random);
  const times: number[] = [];
  if (arrivals.kind === 'bursts') {
    for (let at = 0; at < endMs; at += arrivals.everyMs) {
      for (let i = 0; i < arrivals.calls; i++) times.push(at);
    }
  }
  return times;
}
