import { truncateSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { withProcesses } from '../../harness/bench-program.ts';
import { LoadProcess } from '../../harness/http-load/start.ts';
import type { Processes } from '../../harness/processes.ts';
import { watchForeignLoad } from '../../harness/processor.ts';
import { MissingProgram } from '../../harness/proxies/proxy.ts';
import { sum } from '../../harness/statistics.ts';
import type { ThroughputOptions } from './options.ts';
import { type ByRole, type Cell, errorsOf, Records, type RunRecord } from './records.ts';
import { EXPECTED, type RunningSystem } from './systems/system.ts';

/** What a bench came to. */
export interface BenchResult {
  readonly records: Records;
  readonly versions: Record<string, string>;
}

/** A system that serves, and its processes. */
interface Contestant extends RunningSystem {
  readonly name: string;
  readonly processes: Processes;
}

/** The load, and its process. */
interface Load {
  readonly generator: LoadProcess;
  readonly processes: Processes;
}

const WARM_UP: Cell = { connections: 64, bodyBytes: 256 };

/**
 * Starts all systems, then runs each cell round by round, one system after the other, each round beginning with the
 * next: what drifts on the machine meets all of them alike. `progress` is told of each run and of what there is so far.
 */
export async function runBench(
  options: ThroughputOptions,
  progress: (line: string, soFar: BenchResult) => void,
): Promise<BenchResult> {
  const result: BenchResult = { records: new Records(), versions: {} };
  const { records } = result;
  await withProcesses(async (processes) => {
    const load = { generator: new LoadProcess(processes), processes };
    await withAll(options, result, async (contestants) => {
      for (const contestant of contestants) {
        const idle = byRole(contestant.processes.residentBytes());
        await load.generator.warmUp({ url: contestant.url, ...WARM_UP }, options.warmUpCalls);
        records.memory.set(contestant.name, { idle, after: {} });
      }
      const cells = options.bodies.flatMap((bodyBytes) =>
        options.connections.map((connections) => ({ connections, bodyBytes })),
      );
      const seconds = { settle: options.settleSeconds, measured: options.seconds };
      let turn = 0;
      for (const cell of cells) {
        for (let round = 0; round < options.rounds; round++) {
          for (const contestant of rotated(contestants, turn++)) {
            const { name } = contestant;
            const run = { ...cell, system: name, round, ...(await measure(contestant, cell, load, seconds)) };
            records.runs.push(run);
            const idle = records.memory.get(name)?.idle ?? {};
            records.memory.set(name, { idle, after: byRole(contestant.processes.residentBytes()) });
            progress(lineOf(run), result);
          }
        }
      }
    });
  });
  return result;
}

/** Starts the systems one by one, each with processes of its own; leaves out those whose programs are missing. */
async function withAll(
  { systems }: ThroughputOptions,
  { records, versions }: BenchResult,
  task: (contestants: readonly Contestant[]) => Promise<void>,
): Promise<void> {
  const startFrom = async (
    waiting: readonly (readonly [string, ThroughputOptions['systems'][string]])[],
    started: readonly Contestant[],
  ): Promise<void> => {
    const [next, ...rest] = waiting;
    if (next === undefined) return task(started);
    const [name, { start }] = next;
    await withProcesses(async (processes) => {
      try {
        const running = await start(processes);
        Object.assign(versions, running.versions);
        return await startFrom(rest, [...started, { name, processes, ...running }]);
      } catch (error) {
        if (!(error instanceof MissingProgram)) throw error;
        console.log(`${name} is left out: ${error.message}`);
        records.missing.set(name, error.message);
        return await startFrom(rest, started);
      }
    });
  };
  await startFrom(Object.entries(systems), []);
}

async function measure(
  system: Contestant,
  { connections, bodyBytes }: Cell,
  { generator, processes }: Load,
  seconds: { settle: number; measured: number },
): Promise<Pick<RunRecord, 'figures' | 'processorUs' | 'messagesPerCall' | 'foreignShare'>> {
  // Logs of the runs before would only fill the disk.
  for (const file of system.outputFiles) truncateSync(file);
  const used = () => new Map([...system.processes.processorUs(), ...processes.processorUs()]);
  generator.begin({ url: system.url, connections, bodyBytes, expected: EXPECTED });
  await pause(seconds.settle * 1000);
  await generator.mark();
  const before = used();
  const foreignLoad = watchForeignLoad();
  const self = process.cpuUsage();
  const messagesBefore = await system.messages?.();
  await pause(seconds.measured * 1000);
  await generator.measure();
  const after = used();
  const messagesAfter = await system.messages?.();
  const { user, system: kernel } = process.cpuUsage(self);
  const foreignShare = foreignLoad(sum(after.values()) - sum(before.values()) + user + kernel);
  const figures = await generator.stop();
  const answers = Math.max(1, figures.calls + sum(Object.values(figures.errors)));
  return {
    figures,
    processorUs: byRole(
      new Map([...after].map(([role, us]) => [role, (us - (before.get(role) ?? 0)) / answers])),
    ),
    messagesPerCall:
      messagesAfter === undefined ? undefined : (messagesAfter - (messagesBefore ?? 0)) / answers,
    foreignShare,
  };
}

function byRole(figures: ReadonlyMap<string, number>): ByRole {
  return Object.fromEntries(figures);
}

/** The same, beginning with another. */
function rotated<T>(values: readonly T[], by: number): T[] {
  const from = by % Math.max(1, values.length);
  return [...values.slice(from), ...values.slice(0, from)];
}

function lineOf(run: RunRecord): string {
  const { system, connections, bodyBytes, round, figures, processorUs } = run;
  const processors = Object.entries(processorUs).map(([role, us]) => `${role} ${us.toFixed(0)}`);
  const perSecond = figures.calls / figures.seconds;
  const errors = errorsOf(run);
  return (
    `${connections} × ${bodyBytes} B, round ${round + 1}, ${system}: ${perSecond.toFixed(0)} calls/s, ` +
    `µs per call: ${processors.join(', ')}${errors === 0 ? '' : `; ERRORS ${JSON.stringify(figures.errors)}`}`
  );
}
