import { sharedNow } from '../harness/clock.mjs';
import { type LedgerRun, runsOf } from '../harness/ledger.ts';
import type { LogLine } from '../harness/running-process.ts';
import { audit } from './audit.ts';
import { answeredAfterMs, isResult, type SeenCall } from './calls.ts';
import {
  type Evidence,
  latencyOf,
  outcomesOf,
  percent,
  samplesOf,
  wastedRuns,
  workerFigures,
  workMs,
} from './figures.ts';
import type { Check, Variant } from './result.ts';
import type { Scene } from './scene.ts';
import type { Stalls } from './stalls.ts';
import type { Traffic } from './traffic.ts';

/** A variant before it is played. */
export interface PlaySpec {
  readonly name: string;
  readonly kind: 'plain' | 'ours';
  /** A sentence: what runs here. */
  readonly about: string;
  /** The notebook's by default, divided like all times; this is milliseconds as they run. */
  readonly budgetMs?: number;
  /** The body of every call; valid JSON by default. */
  readonly body?: string;
}

/** A variant that was played: all that is known of it. Times are milliseconds of the shared clock. */
export interface Play extends Evidence {
  readonly spec: PlaySpec;
  readonly budgetMs: number;
  readonly offered: number;
  readonly startedAt: number;
  /** The last answer. */
  readonly endedAt: number;
  readonly events: Scene['events'];
  readonly groups: ReadonlyMap<string, string>;
  readonly pauses: Traffic['pauses'];
  readonly stalls: Stalls;
  /** What each worker printed, by name. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  /** The logs of the workers, by name. Plain ones have none. */
  readonly workerLogs: ReadonlyMap<string, readonly LogLine[]>;
  readonly gatewayLogs: readonly (readonly LogLine[])[];
}

const SHOWN_RUNS = 3;

/** Collects what a scene has left behind. */
export async function collect(spec: PlaySpec, scene: Scene): Promise<Play> {
  const ledger = await scene.stage.ledger();
  const calls = scene.traffic.calls.toSorted((one, other) => one.dueAt - other.dueAt);
  const { budgetMs, events, groups, killed, workers, gateways } = scene;
  const workerLogs = new Map(
    workers.map(({ name, kind, process }) => [name, kind === 'ours' ? process.log() : []]),
  );
  const gatewayLogs = gateways.map(({ process }) => process.log());
  if (calls.length === 0) throw new Error(`${spec.name}: no call was made`);
  const dueAt = calls.map((call) => call.dueAt);
  const answeredAt = calls.map((call) => call.dueAt + call.tookMs);
  return {
    spec,
    budgetMs,
    offered: scene.traffic.offered,
    startedAt: Math.min(...dueAt),
    endedAt: Math.max(...answeredAt),
    calls,
    ledger,
    runs: runsOf(ledger, sharedNow(), killed),
    workers: workers.map(({ name }) => name),
    refused: new Map([...workerLogs].map(([name, log]) => [name, refusalsOf(log, gatewayLogs).length])),
    events,
    groups,
    killed,
    pauses: scene.traffic.pauses,
    stalls: scene.stalls,
    lines: new Map(workers.map(({ name, process }) => [name, process.lines])),
    workerLogs,
    gatewayLogs,
  };
}

/** The variant as the report shows it. */
export function variantOf(
  play: Play,
  {
    facts = {},
    log = [],
  }: { facts?: Readonly<Record<string, string | number>>; log?: readonly string[] } = {},
): Variant {
  const { spec, budgetMs, calls, startedAt, endedAt, events, offered } = play;
  const latencyMs = latencyOf(calls);
  return {
    name: spec.name,
    kind: spec.kind,
    about: spec.about,
    tookMs: endedAt - startedAt,
    budgetMs,
    offered,
    inTime: resultsOf(play).length,
    ...(latencyMs === undefined ? {} : { latencyMs }),
    outcomes: outcomesOf(calls),
    workers: workerFigures(play),
    facts: Object.entries(facts).map(([label, value]) => ({ label, value: String(value) })),
    samples: samplesOf(play, startedAt, endedAt),
    calls: calls.map(({ dueAt, tookMs, code }) => ({ atMs: dueAt - startedAt, tookMs, code })),
    events: events.map(({ at, what }) => ({ atMs: at - startedAt, what })),
    log: [...log],
  };
}

/** Calls that got their result. */
export function resultsOf({ calls }: Pick<Play, 'calls'>): SeenCall[] {
  return calls.filter(isResult);
}

/** The part of the worker time that nobody got the answer of: 0 to 1. */
function wastedShare(play: Play): number {
  const allMs = workMs(play.runs);
  return allMs === 0 ? 0 : workMs(wastedRuns(play)) / allMs;
}

/** Runs in vain, for people: how many, and how much time their calls had left when they began. */
export function describeWasted(play: Play): string {
  const { calls, budgetMs } = play;
  const runs = wastedRuns(play);
  if (runs.length === 0) return 'none';
  const each = runs.slice(0, SHOWN_RUNS).map(({ call, worker, beganAt, endedAt, end }) => {
    const caller = calls.find(({ n }) => n === call);
    const leftMs = caller === undefined ? Number.NaN : caller.dueAt + caller.lateMs + budgetMs - beganAt;
    return `call ${call} began at ${worker} with ${leftMs.toFixed(0)} of ${budgetMs} ms left, ${end} after ${(endedAt - beganAt).toFixed(0)} ms, told ${caller?.code}`;
  });
  return `${runs.length} runs, ${percent(wastedShare(play), 1)} of the worker time: ${each.join('; ')}`;
}

/** Lines of a worker's log about calls: one for each call that reached it. */
export function callLines({ workerLogs }: Pick<Play, 'workerLogs'>): LogLine[] {
  return [...workerLogs.values()].flat().filter(({ msg, service }) => msg === 'call' && service === 'worker');
}

/** What a call took without the moments at which its caller, which is this process, could not run. */
export function unstalledMs(call: SeenCall, { stalls }: Pick<Play, 'stalls'>): number {
  const { dueAt, lateMs, tookMs } = call;
  return answeredAfterMs(call) - stalls.during(dueAt + lateMs, dueAt + tookMs);
}

/** Runs that had begun and had not ended at a moment. */
export function runningAt({ runs }: Pick<Play, 'runs'>, at: number): LedgerRun[] {
  return runs.filter(({ beganAt, endedAt }) => beganAt <= at && at < endedAt);
}

/** What must be true of every variant of ours, as one check. */
export function auditOf(play: Play): Check {
  return audit(play.spec.name, play);
}

/** Lines about late calls that a worker did not run for that, without the probes of gateways, which look like them. */
export function expiredLines(log: readonly LogLine[], gatewayLogs: Play['gatewayLogs']): LogLine[] {
  const failed = new Set(
    gatewayLogs.flat().map(({ msg, call }) => (msg === 'call failed' ? call : undefined)),
  );
  return log.filter(({ msg, outcome, call }) => msg === 'call' && outcome === 'expired' && failed.has(call));
}

function refusalsOf(log: readonly LogLine[], gatewayLogs: Play['gatewayLogs']): LogLine[] {
  const busy = log.filter(({ msg, outcome }) => msg === 'call' && outcome === 'busy');
  return [...busy, ...expiredLines(log, gatewayLogs)];
}
