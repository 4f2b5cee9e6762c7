import { metricOf, metricsPort } from '../metrics.ts';
import { auditOf, type Play, resultsOf, variantOf } from '../play.ts';
import { check, NOTEBOOK_GAP_MS, type Scenario, type ScenarioContext } from '../scenario.ts';
import type { Scene } from '../scene.ts';

/** About 40 calls. */
const DURATION_MS = 30_000;
const GROUPS = ['a', 'b'] as const;
const RUN_MS = { a: [200, 300], b: [400, 600] } as const;
const SETTLE_MS = 1000;

/** Experiment 9. */
export const twoGroups: Scenario = {
  id: '9',
  title: 'Two queue groups',
  question: 'Two groups of workers listen to the same function. Who runs a call, and which answer counts?',
  notebook:
    'Each group gets every message. The first answer reaches the producer; those that come later harm nobody.',
  variantMs: [DURATION_MS + 5000, DURATION_MS + 5000],
  async run(context) {
    const late = { plain: 0, ours: 0 };
    const [plain, ours] = await Promise.all([play(context, 'plain', late), play(context, 'ours', late)]);
    return {
      variants: [plain, ours].map((one) => variantOf(one, { facts: factsOf(one, late) })),
      checks: [plain, ours].flatMap((one) => [...checksOf(one, late), auditOf(one)]),
    };
  },
};

/** Late replies as the metrics of the gateway count them. */
type Late = Record<'plain' | 'ours', number>;

function play(context: ScenarioContext, kind: 'plain' | 'ours', late: Late): Promise<Play> {
  const about =
    kind === 'ours'
      ? 'A worker of ours with --group a, one with --group b.'
      : 'A plain consumer in queue group a, one in b.';
  return context.play({ name: kind, kind, about }, async (scene) => {
    const workers = GROUPS.map((group) => ({
      kind,
      name: `worker ${group}`,
      group,
      slots: 4,
      runMs: RUN_MS[group],
    }));
    const metrics = await metricsPort();
    await scene.set([metrics.flags], workers);
    await scene.pauseReally(SETTLE_MS);
    await act(scene);
    late[kind] = metricOf(await metrics.read(), 'now_or_never_late_replies_total');
  });
}

async function act(scene: Scene): Promise<void> {
  await scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: DURATION_MS });
  // The other group still runs the last calls.
  await scene.pause(NOTEBOOK_GAP_MS);
  await scene.pauseReally(SETTLE_MS);
}

function checksOf(one: Play, late: Late) {
  const { name, kind } = one.spec;
  const answered = resultsOf(one).length;
  return [
    ...GROUPS.map((group) => {
      const { once, total } = runsIn(one, group);
      return check(
        `${name}: group ${group} runs every call exactly once`,
        once === one.calls.length && total === one.calls.length && total > 0,
        `${total} runs, ${once} of ${one.calls.length} calls once`,
      );
    }),
    check(
      `${name}: every caller gets one answer`,
      answered === one.offered && one.calls.length === one.offered,
      `${answered} results for ${one.offered} calls`,
    ),
    check(
      `${name}: the late answers, one for each call, are counted by the gateway and harm nobody`,
      late[kind] === one.offered && lateReplies(one) === one.offered,
      `${late[kind]} in the metrics of the gateway, ${lateReplies(one)} by the ledgers of the workers`,
    ),
  ];
}

function factsOf(one: Play, late: Late) {
  return {
    'calls run by group a': runsIn(one, 'a').total,
    'calls run by group b': runsIn(one, 'b').total,
    'answers that came after the first': lateReplies(one),
    'late answers that the gateway counted': late[one.spec.kind],
  };
}

function runsIn({ runs, groups }: Play, group: string): { once: number; total: number } {
  const own = runs.filter(({ worker }) => groups.get(worker) === group);
  const times = new Map<number, number>();
  for (const { call } of own) times.set(call, (times.get(call) ?? 0) + 1);
  return { once: [...times.values()].filter((count) => count === 1).length, total: own.length };
}

/** Runs that came to their end, beyond one for each result. */
function lateReplies(one: Play): number {
  return one.runs.filter(({ end }) => end === 'ended').length - resultsOf(one).length;
}
