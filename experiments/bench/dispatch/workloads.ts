import { meanSize, type SizeDistribution } from '../../harness/random.ts';

/** How fast a worker is: a call of size `s` takes it `baseMs + scale × s` milliseconds. */
export interface WorkerSpeed {
  readonly baseMs: number;
  readonly scale: number;
}

/** When calls come. Bursts and Poisson arrivals are open loop; `closed` keeps a number of calls in flight. */
type ArrivalPattern =
  | { readonly kind: 'poisson'; readonly perSecond: number }
  | { readonly kind: 'bursts'; readonly calls: number; readonly everyMs: number }
  | { readonly kind: 'closed'; readonly inFlight: number };

/** What happens to a worker, at a fraction of the measured time. */
export interface Incident {
  readonly kind: 'freeze' | 'thaw' | 'kill';
  readonly worker: number;
  readonly atShare: number;
}

/** Calls, workers and what befalls them; everything but the seed. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  /** Offered work / capacity; absent where calls come in a closed loop or in bursts. */
  readonly load?: number;
  readonly workers: readonly WorkerSpeed[];
  readonly slots: number;
  readonly gateways: number;
  readonly size: SizeDistribution;
  readonly arrivals: ArrivalPattern;
  /** Measured time, without the lead-in. */
  readonly seconds: number;
  readonly incidents: readonly Incident[];
  /** Share of callers that leave at a uniform moment before the deadline. */
  readonly leaverShare: number;
}

/** Every workload answers within this budget, from the moment a call was due. */
export const DEADLINE_MS = 500;

const MIN_SECONDS = 30;
const MIN_CALLS = 1000;
const SHORT_SECONDS = 10;

const exponential100: SizeDistribution = { kind: 'exponential', meanMs: 100 };
const heavyTail: SizeDistribution = { kind: 'pareto', shape: 1.5, fromMs: 10, toMs: 1000 };
const equal = (count: number): WorkerSpeed[] =>
  Array.from({ length: count }, () => ({ baseMs: 0, scale: 1 }));
const tenfold = Array.from({ length: 8 }, (_, i) => ({ baseMs: 0, scale: 10 ** (i / 7) }));

/** All workloads, in the order of the report. */
export const workloads: readonly Workload[] = [
  poisson({
    id: 'W1',
    title: '1 slow (200-240 ms) + 1 fast (50 ms) worker, 15/s',
    workers: [
      { baseMs: 0, scale: 1 },
      { baseMs: 50, scale: 0 },
    ],
    size: { kind: 'uniform', fromMs: 200, toMs: 240 },
    perSecond: 15,
  }),
  ...[0.5, 0.8, 0.95, 1.5, 3.0].map((load) =>
    poisson({ id: `W2@${load}`, title: `4 workers, exp(100 ms), load ${load}`, load }),
  ),
  ...[0.8, 1.5].map((load) =>
    poisson({
      id: `W3@${load}`,
      title: `8 workers, 10× spread of speed, heavy tail, load ${load}`,
      load,
      workers: tenfold,
      size: heavyTail,
    }),
  ),
  poisson({
    id: 'W4',
    title: 'one worker frozen for a third of the run, load 0.5',
    load: 0.5,
    incidents: [
      { kind: 'freeze', worker: 1, atShare: 1 / 3 },
      { kind: 'thaw', worker: 1, atShare: 2 / 3 },
    ],
  }),
  poisson({
    id: 'W5',
    title: 'one worker killed, load 0.5',
    load: 0.5,
    incidents: [{ kind: 'kill', worker: 1, atShare: 1 / 3 }],
  }),
  {
    id: 'W6',
    title: '300 calls at once on 8 slots, exp(10 ms), every 3 s',
    workers: equal(8),
    slots: 1,
    gateways: 1,
    size: { kind: 'exponential', meanMs: 10 },
    arrivals: { kind: 'bursts', calls: 300, everyMs: 3000 },
    seconds: MIN_SECONDS,
    incidents: [],
    leaverShare: 0,
  },
  ...[0.8, 1.5].flatMap((load) =>
    [2, 4].map((gateways) =>
      poisson({ id: `W7@${load}x${gateways}`, title: `${gateways} gateways, load ${load}`, load, gateways }),
    ),
  ),
  poisson({ id: 'W8', title: '30 % of the callers leave early, load 1.5', load: 1.5, leaverShare: 0.3 }),
  ...[0, 1].flatMap((ms) => [
    ...[64, 256].map((inFlight) =>
      short(`short@${ms}ms-${inFlight}`, `${ms} ms handlers, ${inFlight} in flight`, ms, {
        kind: 'closed',
        inFlight,
      }),
    ),
    short(`short@${ms}ms-2000/s`, `${ms} ms handlers, 2000 calls/s`, ms, {
      kind: 'poisson',
      perSecond: 2000,
    }),
  ]),
];

/**
 * The workloads that selectors name: a whole id (`W2@0.8`, `W7@1.5x4`) or its beginning up to `@` or `x`
 * (`W2`, `W7@1.5`, `short`). Throws when one names nothing.
 */
export function selectWorkloads(selectors: readonly string[]): Workload[] {
  const named = (id: string, selector: string) =>
    id === selector || id.startsWith(`${selector}@`) || id.startsWith(`${selector}x`);
  for (const selector of selectors) {
    if (!workloads.some(({ id }) => named(id, selector))) {
      const known = workloads.map(({ id }) => id).join(' ');
      throw new Error(`no workload is called ${selector}; there are ${known}`);
    }
  }
  return workloads.filter(({ id }) => selectors.some((selector) => named(id, selector)));
}

/** Whether it measures throughput of short handlers instead of goodput. */
export function isShort(workload: Pick<Workload, 'id'>): boolean {
  return workload.id.startsWith('short@');
}

/** Calls a second that the workers together can finish. */
export function capacityPerSecond(
  workers: readonly WorkerSpeed[],
  slots: number,
  size: SizeDistribution,
): number {
  return workers.reduce(
    (sum, { baseMs, scale }) => sum + (1000 * slots) / (baseMs + scale * meanSize(size)),
    0,
  );
}

interface PoissonOptions extends Partial<Omit<Workload, 'id' | 'title' | 'arrivals' | 'seconds'>> {
  id: string;
  title: string;
  perSecond?: number;
}

/** Four equal workers of one slot unless told otherwise; the rate follows from the load, or is given. */
function poisson({ perSecond, ...options }: PoissonOptions): Workload {
  const workload = {
    workers: equal(4),
    slots: 1,
    gateways: 1,
    size: exponential100,
    incidents: [],
    leaverShare: 0,
    ...options,
  };
  const capacity = capacityPerSecond(workload.workers, workload.slots, workload.size);
  const rate = perSecond ?? (options.load ?? 1) * capacity;
  return {
    ...workload,
    load: options.load ?? rate / capacity,
    arrivals: { kind: 'poisson', perSecond: rate },
    // A little more than the thousand, so that chance does not leave a run short of it.
    seconds: Math.max(MIN_SECONDS, Math.ceil((1.1 * MIN_CALLS) / rate)),
  };
}

function short(id: string, title: string, ms: number, arrivals: ArrivalPattern): Workload {
  return {
    id,
    title: `${title}, 2 workers of 32 slots`,
    workers: equal(2),
    slots: 32,
    gateways: 1,
    size: { kind: 'constant', ms },
    arrivals,
    seconds: SHORT_SECONDS,
    incidents: [],
    leaverShare: 0,
  };
}
