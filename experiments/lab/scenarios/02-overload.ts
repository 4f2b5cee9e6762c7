import { percentile } from '../../harness/statistics.ts';
import { answeredAfterMs, type SeenCall } from '../calls.ts';
import { medianRefusalMs, wastedRuns } from '../figures.ts';
import { auditOf, describeWasted, type Play, resultsOf, variantOf } from '../play.ts';
import type { Check } from '../result.ts';
import { check, NOTEBOOK_GAP_MS, NOTEBOOK_RUN_MS, type Scenario, type ScenarioContext } from '../scenario.ts';

/** About 100 calls, three times what the worker can do. */
const DURATION_MS = 75_000;
/** Of what one worker can do when it never waits. */
const MIN_CAPACITY_SHARE = 0.8;
/** "Well below the budget". */
const MAX_REFUSAL_SHARE = 0.8;

/** Experiment 2. */
export const overload: Scenario = {
  id: '2',
  title: 'More calls than a worker can do',
  question:
    'Calls come three times as fast as my worker can answer. Who gets an answer, and what becomes of the others?',
  notebook:
    'The consumer gets every message addressed to it, also those that nobody waits for any more. A tail builds up, and it works for nobody.',
  variantMs: [DURATION_MS + 5000, DURATION_MS + 5000],
  async run(context) {
    const [plain, ours] = await Promise.all([play(context, 'plain'), play(context, 'ours')]);
    return {
      variants: [plain, ours].map((one) => variantOf(one, { facts: factsOf(one) })),
      checks: [...plainChecks(plain), ...oursChecks(ours, context.speedUp), auditOf(ours)],
    };
  },
};

function play(context: ScenarioContext, kind: 'plain' | 'ours'): Promise<Play> {
  const about =
    kind === 'ours' ? 'One worker of ours with one slot.' : 'One plain consumer, one call at a time.';
  return context.play({ name: kind, kind, about }, async (scene) => {
    await scene.set([[]], [{ kind, name: 'worker 1', runMs: NOTEBOOK_RUN_MS }]);
    await scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: DURATION_MS });
  });
}

function plainChecks(plain: Play): Check[] {
  const { samples } = variantOf(plain);
  const half = samples[Math.floor(samples.length / 2)]?.buffered ?? 0;
  const end = samples.at(-1)?.buffered ?? 0;
  const [first, last] = [thirdOf(plain, 0), thirdOf(plain, 2)];
  return [
    check('plain: the backlog grows', half >= 5 && end > half * 1.5, `${half} half way, ${end} at the end`),
    check(
      'plain: ever more calls end as 504',
      late(last) > late(first),
      `${late(first)} of ${first.length} in the first third, ${late(last)} of ${last.length} in the last`,
    ),
  ];
}

function oursChecks(ours: Play, speedUp: number): Check[] {
  const capacity =
    (ours.endedAt - ours.startedAt) / ((NOTEBOOK_RUN_MS[0] + NOTEBOOK_RUN_MS[1]) / 2 / speedUp);
  const answered = resultsOf(ours).length;
  const refusalMs = medianRefusalMs(ours.calls) ?? Number.POSITIVE_INFINITY;
  return [
    check(
      `ours: as many are answered as one worker can do (at least ${100 * MIN_CAPACITY_SHARE} % of ${capacity.toFixed(1)})`,
      answered >= MIN_CAPACITY_SHARE * capacity,
      answered,
    ),
    check(
      `ours: the others are refused early: half of them in less than ${100 * MAX_REFUSAL_SHARE} % of the budget`,
      refusalMs < MAX_REFUSAL_SHARE * ours.budgetMs,
      `${refusalMs.toFixed(0)} ms of ${ours.budgetMs} ms`,
    ),
    check('ours: nothing is executed in vain', wastedRuns(ours).length === 0, describeWasted(ours)),
  ];
}

function factsOf(one: Play): Record<string, string> {
  const refusalMs = medianRefusalMs(one.calls);
  const failed = one.calls.filter(({ code }) => code !== 'ok');
  const failedMs = percentile(failed.map(answeredAfterMs), 0.5);
  return {
    'a no took (middle)': failedMs === undefined ? '–' : `${failedMs.toFixed(0)} ms`,
    'told that it did not start after (middle)': refusalMs === undefined ? '–' : `${refusalMs.toFixed(0)} ms`,
  };
}

function thirdOf({ calls }: Play, index: number): readonly SeenCall[] {
  return calls.slice((calls.length * index) / 3, (calls.length * (index + 1)) / 3);
}

function late(calls: readonly SeenCall[]): number {
  return calls.filter(({ status }) => status === 504).length;
}
