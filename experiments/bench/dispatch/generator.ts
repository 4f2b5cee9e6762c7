// The generator: a process of its own, so that what it measures does not hold it up. It is told by its parent
// what to call and when to begin, and writes what it saw to a file.
import { readFile, writeFile } from 'node:fs/promises';
import { amqpCaller } from './callers/amqp.ts';
import type { Caller, CallerPlan } from './callers/caller.ts';
import { httpCaller } from './callers/http.ts';
import { natsCaller } from './callers/nats.ts';
import { closedLoop } from './generator-closed.ts';
import { openLoop } from './generator-open.ts';
import { warmUp } from './generator-warm-up.ts';
import type { Trace } from './trace.ts';

/** First message of the parent; answered with `'ready'`. */
export interface GeneratorPlan {
  readonly tracePath: string;
  readonly outcomesPath: string;
  readonly caller: CallerPlan;
}

/** Second message of the parent; answered with `'done'`. Unix milliseconds. */
export interface GeneratorStart {
  readonly startAt: number;
}

const WARM_UP_MS = 4000;

process.once('disconnect', () => process.exit(1));
process.once('message', (message: GeneratorPlan) => void run(message));

async function run({ tracePath, outcomesPath, caller: plan }: GeneratorPlan): Promise<void> {
  const trace: Trace = JSON.parse(await readFile(tracePath, 'utf8'));
  const caller = await openCaller(plan);
  const started = new Promise<number>((resolve) => {
    process.once('message', ({ startAt }: GeneratorStart) => resolve(startAt - performance.timeOrigin));
  });
  await warmUp(trace, caller, WARM_UP_MS);
  process.send?.('ready');
  const run = trace.closed === undefined ? openLoop : closedLoop;
  const outcomes = await run(trace, caller, await started);
  await writeFile(outcomesPath, JSON.stringify(outcomes));
  await caller.close();
  process.send?.('done', () => process.disconnect());
}

function openCaller(plan: CallerPlan): Caller | Promise<Caller> {
  switch (plan.kind) {
    case 'nats':
      return natsCaller(plan);
    case 'http':
      return httpCaller(plan);
    case 'amqp':
      return amqpCaller(plan);
  }
}
