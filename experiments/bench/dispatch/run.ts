import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Children, Role } from './children.ts';
import { watchForeignLoad } from './foreign-load.ts';
import type { GeneratorPlan, GeneratorStart } from './generator.ts';
import { readLedger, type Standstill } from './ledger.ts';
import type { MeasuredCall, WorkEntry } from './measured-call.ts';
import { signalTree } from './process-tree.ts';
import { sum } from './statistics.ts';
import type { RunningSystem, SystemStarter } from './systems/system.ts';
import type { Trace } from './trace.ts';

/** What a run of real processes yields. */
export interface RealRun {
  readonly outcomes: readonly MeasuredCall[];
  readonly work: readonly WorkEntry[];
  /** NATS messages in and out for each call, without what goes to and fro when nobody calls. */
  readonly messagesPerCall: number | undefined;
  /** Microseconds of processor time for each call, by role. */
  readonly processorUs: Readonly<Partial<Record<Role, number>>>;
  /** Share of the machine that went to others meanwhile; undefined where it cannot be told. */
  readonly foreignShare: number | undefined;
  readonly versions: Readonly<Record<string, string>>;
}

/** Time to settle, in which the messages of an idle system are counted. */
const IDLE_MS = 2000;
/** From telling the generator to the first moment of the trace. */
const HEAD_START_MS = 200;
/** For what still runs when the last caller has given up. */
const AFTERMATH_MS = 300;
/** Longer than its warm-up takes. */
const GENERATOR_LIMIT_MS = 30_000;

/** Runs a trace against a system: starts it, calls it, ends it. Everything it started has ended when it settles. */
export async function runReal(trace: Trace, system: SystemStarter, children: Children): Promise<RealRun> {
  try {
    // The short workloads measure speed: their workers keep no ledger.
    const noted = trace.closed === undefined && trace.slots === 1;
    const ledgerPaths = trace.workers.map((_, i) =>
      noted ? join(children.folder, `ledger-${i}`) : undefined,
    );
    const jobs = trace.workers.map((speed, i) => ({ ...speed, ledgerPath: ledgerPaths[i] }));
    const running = await system({ trace, children, jobs });
    const generator = await startGenerator(trace, running, children);

    const idleFrom = await running.messages?.();
    await pause(IDLE_MS);
    const before = await running.messages?.();
    const usedBefore = children.processorUs();
    const foreignShare = watchForeignLoad();
    const selfBefore = process.cpuUsage();
    const beganAt = performance.now();
    const standstills = await generator.play(running);
    const lastedMs = performance.now() - beganAt;
    const usedAfter = children.processorUs();
    const self = process.cpuUsage(selfBefore);
    const usedUs = sum([...usedAfter.values()]) - sum([...usedBefore.values()]) + self.user + self.system;
    const foreign = foreignShare(usedUs / 1000);
    const after = await running.messages?.();
    await pause(AFTERMATH_MS);

    const untilAt = Date.now() - generator.startAt();
    const ledgers = ledgerPaths.map((path, i) =>
      path === undefined ? [] : readLedger(path, i, generator.startAt(), untilAt, standstills.get(i)),
    );
    const outcomes: MeasuredCall[] = JSON.parse(await readFile(generator.outcomesPath, 'utf8'));
    // Those that the generator was too late to send cost the system nothing.
    const calls = Math.max(1, outcomes.filter(({ lateMs }) => lateMs < trace.deadlineMs).length);
    const idle = ((before ?? 0) - (idleFrom ?? 0)) * (lastedMs / IDLE_MS);
    return {
      outcomes,
      work: (await Promise.all(ledgers)).flat(),
      messagesPerCall:
        after === undefined || before === undefined ? undefined : (after - before - idle) / calls,
      processorUs: Object.fromEntries(
        [...usedAfter].map(([role, us]) => [role, (us - (usedBefore.get(role) ?? 0)) / calls]),
      ),
      foreignShare: foreign,
      versions: running.versions,
    };
  } finally {
    await children.end();
  }
}

interface Generator {
  readonly outcomesPath: string;
  /** Unix milliseconds at the trace's time 0. */
  startAt(): number;
  /** Plays the whole trace with its incidents. Resolves to what befell which worker. */
  play(running: RunningSystem): Promise<Map<number, Standstill>>;
}

async function startGenerator(trace: Trace, running: RunningSystem, children: Children): Promise<Generator> {
  const tracePath = join(children.folder, 'trace.json');
  const outcomesPath = join(children.folder, 'outcomes.json');
  await writeFile(tracePath, JSON.stringify(trace));
  const child = children.fork('generator', new URL('./generator.ts', import.meta.url));
  const caller = { ...running.caller, deadlineMs: trace.deadlineMs };
  const plan: GeneratorPlan = { tracePath, outcomesPath, caller };
  const ready = children.message(child, GENERATOR_LIMIT_MS);
  child.send(plan);
  await ready;
  let startAt = 0;
  return {
    outcomesPath,
    startAt: () => startAt,
    async play() {
      startAt = performance.timeOrigin + performance.now() + HEAD_START_MS;
      const done = children.message(child, trace.endMs + trace.deadlineMs + GENERATOR_LIMIT_MS);
      const start: GeneratorStart = { startAt };
      child.send(start);
      const [standstills] = await Promise.all([befall(trace, running, startAt), done]);
      return standstills;
    },
  };
}

const signals = { freeze: 'SIGSTOP', thaw: 'SIGCONT', kill: 'SIGKILL' } as const;

/** Stops, continues and kills workers at their time. */
async function befall(
  trace: Trace,
  running: RunningSystem,
  startAt: number,
): Promise<Map<number, Standstill>> {
  const standstills = new Map<number, Standstill>();
  for (const { kind, worker: index, at } of trace.incidents) {
    await pause(Math.max(0, startAt + at - Date.now()));
    const worker = running.workers[index];
    // The whole tree: a supervisor must neither go on alone nor start another worker.
    if (worker?.pid !== undefined) signalTree(worker.pid, signals[kind]);
    const field = kind === 'kill' ? 'killedAt' : kind === 'freeze' ? 'frozenFrom' : 'frozenTo';
    standstills.set(index, { ...standstills.get(index), [field]: Date.now() - startAt });
  }
  return standstills;
}
