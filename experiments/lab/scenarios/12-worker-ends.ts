import { sharedNow } from '../../harness/clock.mjs';
import type { SeenCall } from '../calls.ts';
import { wastedRuns } from '../figures.ts';
import { auditOf, describeWasted, type Play, resultsOf, runningAt, variantOf } from '../play.ts';
import type { Check } from '../result.ts';
import { check, NOTEBOOK_GAP_MS, type Scenario, type ScenarioContext } from '../scenario.ts';
import type { Scene } from '../scene.ts';

const BEFORE_MS = 10_000;
const AFTER_MS = 15_000;
const RUN_MS = [1000, 1200] as const;
/** Two workers can do them too. */
const GAP_MS = 2 * NOTEBOOK_GAP_MS;
/** Two calls for each of three workers, just before one of them ends. */
const BURST = 6;
/** Twice the notebook's, so that two workers can do what three had. */
const BUDGET_MS = 10_000;
/** The death of a worker is noticed within about a second, at any speed: a shorter budget would end before. */
const MIN_BUDGET_REALLY_MS = 3000;
/** A worker is chosen whose run has the larger part of its time before it. */
const FRESH_SHARE = 0.5;

/** Experiment 12. */
export const workerEnds: Scenario = {
  id: '12',
  title: 'A worker ends',
  question: 'I stop a worker, or it is killed, under load. Which calls are lost, and who is told?',
  notebook: 'With a consumer everything that it took is lost, its buffer included.',
  variantMs: [30_000, 30_000, 30_000, 30_000],
  async run(context) {
    const [plainTerm, plainKill, oursTerm, oursKill] = await Promise.all([
      play(context, 'plain', 'SIGTERM'),
      play(context, 'plain', 'SIGKILL'),
      play(context, 'ours', 'SIGTERM'),
      play(context, 'ours', 'SIGKILL'),
    ]);
    return {
      variants: [plainTerm, plainKill, oursTerm, oursKill].map((one) =>
        variantOf(one, { facts: factsOf(one) }),
      ),
      checks: [
        ...[plainTerm, plainKill].map((one) =>
          check(
            `${one.spec.name}: what the worker had is lost, its buffer too`,
            heldBy(one).length >= 2 && lost(one).length >= heldBy(one).length,
            `${heldBy(one).length} calls held, ${lost(one).length} lost`,
          ),
        ),
        ...termChecks(oursTerm),
        ...killChecks(oursKill),
        auditOf(oursTerm),
        auditOf(oursKill),
      ],
    };
  },
};

function play(
  context: ScenarioContext,
  kind: 'plain' | 'ours',
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<Play> {
  const what = kind === 'ours' ? 'workers of ours, one slot each' : 'plain consumers';
  const about = `Three ${what}; one of them gets ${signal}.`;
  const budgetMs = Math.max(BUDGET_MS / context.speedUp, MIN_BUDGET_REALLY_MS);
  return context.play({ name: `${kind}, ${signal}`, kind, about, budgetMs }, async (scene) => {
    const names = ['worker 1', 'worker 2', 'worker 3'];
    await scene.set(
      [[]],
      names.map((name) => ({ kind, name, runMs: RUN_MS })),
    );
    await act(scene, {
      heldCalls: kind === 'plain' ? 2 : 1,
      freshMs: (FRESH_SHARE * RUN_MS[0]) / context.speedUp,
      signal,
    });
  });
}

interface Act {
  readonly signal: 'SIGTERM' | 'SIGKILL';
  /** What the worker must have when it gets the signal. */
  readonly heldCalls: number;
  /** How long it may have run the first of them. */
  readonly freshMs: number;
}

async function act(scene: Scene, { signal, heldCalls, freshMs }: Act): Promise<void> {
  const load = scene.startLoad({
    arrivals: { kind: 'uniform', maxMs: GAP_MS },
    durationMs: BEFORE_MS + AFTER_MS,
  });
  await scene.pause(BEFORE_MS);
  const burst = scene.traffic.burst(scene.callUrl(), BURST);
  const victim = await scene.untilLedger('a worker to have calls', 10_000, (ledger) =>
    scene.workers
      .map(({ name }) => name)
      .find((name) => {
        const own = ledger.filter(({ worker }) => worker === name);
        const count = (kind: string) => own.filter((entry) => entry.kind === kind).length;
        const began = own.findLast(({ kind }) => kind === 'began');
        const isFresh = began !== undefined && sharedNow() - began.at < freshMs;
        return isFresh && count('began') > count('ended') && count('received') - count('ended') >= heldCalls;
      }),
  );
  scene.signalWorker(victim, signal);
  await Promise.all([burst.done, load.done]);
}

function termChecks(one: Play): Check[] {
  const { calls } = one;
  const unsure = calls.filter(({ code, started }) => code !== 'ok' && started !== 'no');
  const held = heldBy(one);
  const answered = resultsOf({ calls: held }).length;
  return [
    check(
      'ours, SIGTERM: what the worker has is answered',
      held.length > 0 && answered === held.length,
      `${answered} of ${held.length}`,
    ),
    check(
      'ours, SIGTERM: nothing is lost: all get their result',
      resultsOf(one).length === one.offered,
      `${resultsOf(one).length} of ${one.offered}, ${unsure.length} not sure whether they ran`,
    ),
    check('ours, SIGTERM: nothing is executed in vain', wastedRuns(one).length === 0, describeWasted(one)),
  ];
}

function killChecks(one: Play): Check[] {
  const held = heldBy(one);
  const numbers = new Set(held.map(({ n }) => n));
  const gone = lost(one);
  const wrong = gone.filter(
    ({ n, code, started }) => !numbers.has(n) || code !== 'worker_lost' || started !== 'unknown',
  );
  const afterMs = gone.map(({ dueAt, tookMs }) => dueAt + tookMs - killedAt(one));
  return [
    check(
      'ours, SIGKILL: at most what was running is lost',
      held.length > 0 && gone.length <= held.length && gone.every(({ n }) => numbers.has(n)),
      `${held.length} running, ${gone.length} lost`,
    ),
    check(
      'ours, SIGKILL: its callers are told 502 worker_lost, started: unknown, within two seconds',
      gone.length > 0 && wrong.length === 0 && afterMs.every((ms) => ms < 2000),
      gone
        .map(
          ({ code, started }, index) =>
            `${code} (started: ${started}) after ${afterMs[index]?.toFixed(0)} ms`,
        )
        .join(', ') || 'nobody',
    ),
    check(
      'ours, SIGKILL: all others get their result',
      resultsOf(one).length === one.offered - gone.length,
      `${resultsOf(one).length} of ${one.offered}`,
    ),
  ];
}

function factsOf(one: Play): Record<string, string | number> {
  return {
    'calls that the worker had': heldBy(one).length,
    'of these, answered': resultsOf({ calls: heldBy(one) }).length,
    'lost in all': lost(one).length,
  };
}

/** Calls that were in the process of the victim when it got the signal: running or in its buffer. */
function heldBy(one: Play): SeenCall[] {
  const { at = Number.NaN, worker: victim } = one.events[0] ?? {};
  const own = one.ledger.filter(({ worker }) => worker === victim);
  const had = new Set(
    own.filter((entry) => entry.kind === 'received' && entry.at <= at).map(({ call }) => call),
  );
  for (const { kind, call, at: endedAt } of own) if (kind === 'ended' && endedAt <= at) had.delete(call);
  for (const { call, worker } of runningAt(one, at)) if (worker === victim) had.add(call);
  return one.calls.filter(({ n }) => had.has(n));
}

/** Calls that may have run and got no result. */
function lost({ calls }: Play): SeenCall[] {
  return calls.filter(({ code, started }) => code !== 'ok' && started !== 'no');
}

function killedAt({ events }: Play): number {
  return events[0]?.at ?? Number.NaN;
}
