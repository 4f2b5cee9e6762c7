import { auditOf, callLines, type Play, resultsOf, variantOf } from '../play.ts';
import { check, NOTEBOOK_GAP_MS, NOTEBOOK_RUN_MS, type Scenario, type ScenarioContext } from '../scenario.ts';
import type { Scene } from '../scene.ts';

/** Calls that are there before the late worker is. */
const EARLY_CALLS = 7;
/** Twice the notebook's: starting to serve takes a moment that cannot be divided. */
const BUDGET_MS = 10_000;
const LATE_AFTER_MS = 500;
/** After the late worker came; it must not pile up what comes. */
const LOAD_MS = 25_000;
const LATE_RUN_MS = [400, 600] as const;

/** Experiment 3. */
export const lateWorker: Scenario = {
  id: '3',
  title: 'A worker comes late',
  question: 'Calls wait, and I start another worker. Does it help those that wait already?',
  notebook:
    'A consumer that has just connected gets nothing of what was sent before. What comes later piles up in the memory of its client.',
  variantMs: [LOAD_MS + 15_000, LOAD_MS + 15_000],
  async run(context) {
    const [plain, ours] = await Promise.all([play(context, 'plain'), play(context, 'ours')]);
    const early = (one: Play) => one.calls.filter(({ dueAt }) => dueAt < cameAt(one));
    const byLate = (one: Play) => {
      const numbers = new Set(early(one).map(({ n }) => n));
      return one.runs.filter(({ worker, call }) => worker === 'late' && numbers.has(call)).length;
    };
    const waited = ours.runs.filter(({ worker }) => worker === 'late').length;
    const lines = callLines(ours);
    const mostBuffered = Math.max(...lines.map(({ buffered }) => Number(buffered)));
    const earlyResults = resultsOf({ calls: early(ours) }).length;
    return {
      variants: [plain, ours].map((one) =>
        variantOf(one, {
          facts: {
            'sent before the late worker came': early(one).length,
            'of these, run by the late worker': byLate(one),
            'of these, answered in time': resultsOf({ calls: early(one) }).length,
            'most calls in a buffer': mostInBuffer(one),
          },
        }),
      ),
      checks: [
        check(
          'plain: the late worker gets nothing of what was sent before',
          early(plain).length === EARLY_CALLS && byLate(plain) === 0,
          `${byLate(plain)} of ${early(plain).length}`,
        ),
        check(
          'ours: what waited when the late worker came is answered, most of it by that worker',
          early(ours).length === EARLY_CALLS &&
            earlyResults === EARLY_CALLS &&
            byLate(ours) >= EARLY_CALLS - 2,
          `${earlyResults} of ${early(ours).length} answered, ${byLate(ours)} by the late worker`,
        ),
        check(
          'ours: no call is ever in a buffer of a worker',
          waited > EARLY_CALLS && mostBuffered === 0,
          `at most ${mostBuffered}, in ${lines.length} lines of the log of the workers`,
        ),
        check(
          'plain: calls pile up in the buffer of a worker',
          mostInBuffer(plain) >= 2,
          `up to ${mostInBuffer(plain)}`,
        ),
        auditOf(ours),
      ],
    };
  },
};

function play(context: ScenarioContext, kind: 'plain' | 'ours'): Promise<Play> {
  const about = `A busy ${kind === 'ours' ? 'worker of ours' : 'plain consumer'} with ${EARLY_CALLS} calls; then a fast one connects.`;
  const budgetMs = BUDGET_MS / context.speedUp;
  return context.play({ name: kind, kind, about, budgetMs }, async (scene) => {
    await scene.set(
      [[]],
      [
        { kind, name: 'early', runMs: NOTEBOOK_RUN_MS },
        { kind, name: 'late', runMs: LATE_RUN_MS, isHeld: true },
      ],
    );
    await act(scene);
  });
}

async function act(scene: Scene): Promise<void> {
  const early = scene.traffic.burst(scene.callUrl(), EARLY_CALLS);
  await scene.pause(LATE_AFTER_MS);
  scene.note('late connects');
  await scene.worker('late').release();
  await Promise.all([
    early.done,
    scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: LOAD_MS }),
  ]);
}

function cameAt({ events }: Play): number {
  return events[0]?.at ?? Number.NaN;
}

function mostInBuffer(one: Play): number {
  return Math.max(...variantOf(one).samples.map(({ buffered }) => buffered));
}
