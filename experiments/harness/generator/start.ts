import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedNow } from '../clock.mjs';
import type { Processes } from '../processes.ts';
import type { CallerPlan } from './callers/caller.ts';
import type { CallTrace, MeasuredCall } from './trace.ts';

/** First message to the generator; answered with `'ready'`. */
export interface GeneratorPlan {
  readonly tracePath: string;
  readonly callsPath: string;
  readonly caller: CallerPlan;
  /** Calls of no work before it is ready. */
  readonly warmUp: { readonly inFlight: number; readonly ms: number };
}

/** Second message; answered with `'done'`. Milliseconds of the shared clock. */
export interface GeneratorStart {
  readonly startAt: number;
}

/** A generator that is ready. */
export interface Generator {
  /** Plays the trace: `startAt` is its moment 0 on the shared clock; `done` resolves when the last call is over. */
  play(): { readonly startAt: number; readonly done: Promise<void> };
  /** What became of the calls, once all are over. */
  calls(): Promise<MeasuredCall[]>;
}

/** From telling the generator to the first moment of the trace. */
const HEAD_START_MS = 200;
/** More than a start takes, and the end. */
const LIMIT_MS = 30_000;

/** Starts a generator process for a trace; resolves when it has warmed the system up. Several need names of their own. */
export async function startGenerator(
  processes: Processes,
  trace: CallTrace,
  {
    caller,
    warmUp,
    name = 'generator',
  }: Pick<GeneratorPlan, 'caller' | 'warmUp'> & { readonly name?: string },
): Promise<Generator> {
  const tracePath = join(processes.folder, `${name}.trace.json`);
  const callsPath = join(processes.folder, `${name}.calls.json`);
  await writeFile(tracePath, JSON.stringify(trace));
  const generator = processes.fork('generator', name, new URL('./main.ts', import.meta.url));
  const plan: GeneratorPlan = { tracePath, callsPath, caller, warmUp };
  generator.send(plan);
  await generator.message(LIMIT_MS + warmUp.ms);
  return {
    play() {
      const start: GeneratorStart = { startAt: sharedNow() + HEAD_START_MS };
      generator.send(start);
      const done = generator.message(trace.endMs + trace.deadlineMs + LIMIT_MS).then(() => {});
      return { ...start, done };
    },
    async calls() {
      return JSON.parse(await readFile(callsPath, 'utf8'));
    },
  };
}
