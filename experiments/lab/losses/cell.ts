import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from '../../harness/clock.mjs';
import { until } from '../../harness/until.ts';
import type { Loss } from '../result.ts';
import type { CellRun, LossCall } from './checks.ts';
import { PHASES } from './phases.ts';
import { LossScene, type LossSceneOptions } from './scene.ts';

/** Where a cell stands in the table. */
export type CellKey = Pick<Loss, 'part' | 'signal' | 'phase'>;

/** What is stopped goes on after this share of the budget. */
const STANDSTILL_SHARE = 1.5;

const LIMIT_MS = 10_000;
/** No event tells that a process stands still; it does at once, on a machine that has time for it. */
const STOPPING_MS = 30;

/** Plays one cell: brings a call into its phase, sends the signal, and waits until all is over. Throws when it cannot. */
export async function playCell(place: CellKey, options: Omit<LossSceneOptions, 'runMs'>): Promise<CellRun> {
  const { part, signal, phase } = place;
  const { budgetMs } = options;
  const { runMs, place: bring, isIn } = PHASES[phase];
  const scene = await LossScene.open({ ...options, runMs });
  try {
    const { call, goOn } = await bring(scene);
    const others = scene.calls.filter((other) => other !== call);
    const harmedAt = await harm(scene, place);
    const continued = signal === 'SIGSTOP' ? goOnLater(scene, part, budgetMs, options.signal) : undefined;
    continued?.catch(() => {});
    goOn();
    const seen = await call.seen;
    const seenOthers = await Promise.all(others.map((other) => other.seen));
    const continuedAt = await continued;
    // What could begin late has begun before the next call comes.
    await scene.runsAtRest();
    const next = await callNext(scene, place);
    const runs = await scene.runsAtRest();
    const own = runs.find((run) => run.call === seen.call);
    if (seen.endedAt < harmedAt || !isIn(own, harmedAt)) throw new Error('the signal came after the phase');
    return { ...place, budgetMs, call: seen, next, others: seenOthers, runs, continuedAt };
  } finally {
    await scene.close();
  }
}

/** Sends the signal; resolves when it has had its first effect, to the time when it was sent. */
async function harm(scene: LossScene, { part, signal }: CellKey): Promise<number> {
  const { gateway, worker, workerProxy } = scene;
  const isDraining = workerProxy.seen('toBroker', '"draining":true', LIMIT_MS);
  send(scene, part, signal);
  const sentAt = sharedNow();
  if (signal === 'SIGSTOP') await pause(STOPPING_MS);
  else if (part === 'broker') {
    await gateway.process.until('misses the broker', LIMIT_MS, () =>
      gateway.process.log().find(({ msg }) => msg === 'lost the broker'),
    );
  } else if (part === 'gateway') {
    if (signal === 'SIGKILL') await gateway.process.exited;
    else {
      await gateway.process.until('is told to end', LIMIT_MS, () =>
        gateway.process.log().find((line) => line.signal === signal),
      );
    }
  } else if (signal === 'SIGTERM') await isDraining;
  else {
    await worker.process.exited;
    // What is held keeps the connection; otherwise the broker knows by now that the worker has gone.
    const isHolding = workerProxy.held('toBroker') + workerProxy.held('toProcess') !== '';
    if (!isHolding) {
      await until('the end of its connection', LIMIT_MS, () => workerProxy.connections === 0 || undefined);
    }
  }
  return sentAt;
}

/** SIGTERM to a program, as a user sends it; the others to all its processes, as when its host dies or stands still. */
function send({ stage, gateway, worker }: LossScene, part: Loss['part'], signal: NodeJS.Signals): void {
  if (part === 'broker') void stage.broker.kill(signal);
  else {
    const { process } = part === 'gateway' ? gateway : worker;
    if (signal === 'SIGTERM') process.kill(signal);
    else process.killTree(signal);
  }
}

/** Resolves to the time when what was stopped went on. */
async function goOnLater(
  scene: LossScene,
  part: Loss['part'],
  budgetMs: number,
  signal: AbortSignal,
): Promise<number> {
  await pause(STANDSTILL_SHARE * budgetMs - STOPPING_MS, undefined, { signal });
  const continuedAt = sharedNow();
  send(scene, part, 'SIGCONT');
  return continuedAt;
}

/** The call after it was over; undefined where a part is gone for good. */
async function callNext(scene: LossScene, { part, signal }: CellKey): Promise<LossCall | undefined> {
  if (signal !== 'SIGSTOP') {
    if (part !== 'broker') return undefined;
    await scene.stage.broker.startAgain();
    await scene.reconnected();
    // What was on its way when the broker went could run now.
    await scene.runsAtRest();
  }
  return await scene.call().seen;
}
