import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from '../../harness/clock.mjs';
import { startGenerator } from '../../harness/generator/start.ts';
import type { MeasuredCall } from '../../harness/generator/trace.ts';
import { readLedgers, runsOf } from '../../harness/ledger.ts';
import type { Processes } from '../../harness/processes.ts';
import { watchForeignLoad } from '../../harness/processor.ts';
import type { Role } from '../../harness/running-process.ts';
import { sum } from '../../harness/statistics.ts';
import { jobsOf, type RunningSystem, type SystemStarter } from './systems/system.ts';
import type { Trace } from './trace.ts';
import { type Standstill, type WorkEntry, workOf } from './work.ts';

/** What a run of real processes yields. */
export interface RealRun {
  readonly calls: readonly MeasuredCall[];
  readonly work: readonly WorkEntry[];
  /** NATS messages in and out for each call, without what goes to and fro when nobody calls. */
  readonly messagesPerCall: number | undefined;
  /** Microseconds of processor time for each call, by role. */
  readonly processorUs: Readonly<Partial<Record<Role, number>>>;
  /** Share of the machine that went to others meanwhile; undefined where it cannot be told. */
  readonly foreignShare: number | undefined;
  readonly versions: Readonly<Record<string, string>>;
}

const WARM_UP_MS = 4000;
const WARM_UP_CALLS_PER_SLOT = 2;
/** Time to settle, in which the messages of an idle system are counted. */
const IDLE_MS = 2000;
/** For what still runs when the last caller has given up. */
const AFTERMATH_MS = 300;

/** Runs a trace against a system: starts it and calls it. What it started ends with `processes`. */
export async function runReal(trace: Trace, system: SystemStarter, processes: Processes): Promise<RealRun> {
  const jobs = jobsOf(trace, processes.folder);
  const running = await system({ trace, processes, jobs });
  const generator = await startGenerator(processes, trace, {
    caller: { ...running.caller, deadlineMs: trace.deadlineMs },
    warmUp: { inFlight: WARM_UP_CALLS_PER_SLOT * trace.workers.length * trace.slots, ms: WARM_UP_MS },
  });

  const idleFrom = await running.messages?.();
  await pause(IDLE_MS);
  const before = await running.messages?.();
  const usedBefore = processes.processorUs();
  const foreignShare = watchForeignLoad();
  const selfBefore = process.cpuUsage();
  const beganAt = performance.now();
  const { startAt, done } = generator.play();
  const [standstills] = await Promise.all([befall(trace, running, startAt), done]);
  const lastedMs = performance.now() - beganAt;
  const usedAfter = processes.processorUs();
  const self = process.cpuUsage(selfBefore);
  const usedUs = sum(usedAfter.values()) - sum(usedBefore.values()) + self.user + self.system;
  const foreign = foreignShare(usedUs);
  const after = await running.messages?.();
  await pause(AFTERMATH_MS);

  const calls = await generator.calls();
  const killed = new Map(
    [...standstills].flatMap(([name, { killedAt }]) => (killedAt ? [[name, killedAt]] : [])),
  );
  const runs = runsOf(await readLedgers(processes.folder), sharedNow(), killed);
  // Those that the generator was too late to send cost the system nothing.
  const sent = Math.max(1, calls.filter(({ lateMs }) => lateMs < trace.deadlineMs).length);
  const idle = ((before ?? 0) - (idleFrom ?? 0)) * (lastedMs / IDLE_MS);
  return {
    calls,
    work: workOf(
      runs,
      jobs.map(({ worker }) => worker),
      startAt,
      standstills,
    ),
    messagesPerCall: after === undefined || before === undefined ? undefined : (after - before - idle) / sent,
    processorUs: Object.fromEntries(
      [...usedAfter].map(([role, us]) => [role, (us - (usedBefore.get(role) ?? 0)) / sent]),
    ),
    foreignShare: foreign,
    versions: running.versions,
  };
}

const SIGNALS = { freeze: 'SIGSTOP', thaw: 'SIGCONT', kill: 'SIGKILL' } as const;
const FIELDS = { freeze: 'frozenFrom', thaw: 'frozenTo', kill: 'killedAt' } as const;

/** Stops, continues and kills workers at their time. Resolves to what befell which worker, by name. */
async function befall(
  trace: Trace,
  running: RunningSystem,
  startAt: number,
): Promise<Map<string, Standstill>> {
  const standstills = new Map<string, Standstill>();
  for (const { kind, worker: index, at } of trace.incidents) {
    await pause(Math.max(0, startAt + at - sharedNow()));
    const worker = running.workers[index];
    if (worker === undefined) continue;
    // The whole tree: a supervisor must neither go on alone nor start another worker.
    worker.killTree(SIGNALS[kind]);
    standstills.set(worker.name, { ...standstills.get(worker.name), [FIELDS[kind]]: sharedNow() });
  }
  return standstills;
}
