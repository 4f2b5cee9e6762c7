// The generator: a process of its own, so that what it measures does not hold it up. It is told by its parent
// what to call and when to begin, and writes what it saw to a file.
import { readFile, writeFile } from 'node:fs/promises';
import { sharedNow } from '../clock.mjs';
import { amqpCaller } from './callers/amqp.ts';
import type { Caller, CallerPlan } from './callers/caller.ts';
import { httpCaller } from './callers/http.ts';
import { natsCaller } from './callers/nats.ts';
import { closedLoop, warmUp } from './closed.ts';
import { openLoop } from './open.ts';
import type { GeneratorPlan, GeneratorStart } from './start.ts';
import type { CallTrace } from './trace.ts';

process.once('disconnect', () => process.exit(1));
process.once('message', (message: GeneratorPlan) => void run(message));

async function run({ tracePath, callsPath, caller: plan, warmUp: warming }: GeneratorPlan): Promise<void> {
  const trace: CallTrace = JSON.parse(await readFile(tracePath, 'utf8'));
  const caller = await openCaller(plan);
  const started = new Promise<number>((resolve) => {
    process.once('message', ({ startAt }: GeneratorStart) =>
      resolve(startAt - sharedNow() + performance.now()),
    );
  });
  await warmUp(trace, caller, warming);
  process.send?.('ready');
  const loop = trace.closed === undefined ? openLoop : closedLoop;
  const measured = await loop(trace, caller, await started);
  await writeFile(callsPath, JSON.stringify(measured));
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
