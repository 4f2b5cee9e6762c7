import type { SeenCall } from '../calls.ts';
import { describeOutcomes } from '../figures.ts';
import { auditOf, type Play, resultsOf, variantOf } from '../play.ts';
import type { Check } from '../result.ts';
import { check, NOTEBOOK_GAP_MS, type Scenario, type ScenarioContext } from '../scenario.ts';
import type { Scene } from '../scene.ts';

const BEFORE_MS = 10_000;
const AFTER_MS = 15_000;
const RUN_MS = [1000, 1200] as const;
const GAP_MS = 2 * NOTEBOOK_GAP_MS;
/** Calls under way at each gateway when one of them ends: some run, some wait. */
const BURST = 4;
/** Twice the notebook's, so that a burst can be worked off. */
const BUDGET_MS = 10_000;
/** What takes a moment at any speed (a drain, a machine that is busy) must not end a call. */
const MIN_BUDGET_REALLY_MS = 2000;
const SETTLE_MS = 1000;
const AT_ONCE_MS = 250;
/** A call that was sent less than this before the signal may not have reached the gateway. */
const ARRIVAL_MS = 20;

/** Experiment 13. */
export const gatewayEnds: Scenario = {
  id: '13',
  title: 'A gateway ends',
  question:
    'I stop one of two gateways, or it is killed. What becomes of its callers, and of the other gateway?',
  notebook:
    'Nothing is lost with a producer but the answers that it waited for: another producer does not take them over.',
  comparesShares: false,
  variantMs: [30_000, 30_000, 30_000],
  async run(context) {
    const [plainKill, oursTerm, oursKill] = await Promise.all([
      play(context, 'plain', 'SIGKILL'),
      play(context, 'ours', 'SIGTERM'),
      play(context, 'ours', 'SIGKILL'),
    ]);
    return {
      variants: [plainKill, oursTerm, oursKill].map((one) => variantOf(one, { facts: factsOf(one) })),
      checks: [...termChecks(oursTerm), ...killChecks(oursKill), auditOf(oursTerm), auditOf(oursKill)],
    };
  },
};

function play(
  context: ScenarioContext,
  kind: 'plain' | 'ours',
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<Play> {
  const about = `Two gateways before three ${kind === 'ours' ? 'workers of ours, one slot each' : 'plain consumers'}; gateway 1 gets ${signal}.`;
  const budgetMs = Math.max(BUDGET_MS / context.speedUp, MIN_BUDGET_REALLY_MS);
  return context.play({ name: `${kind}, ${signal}`, kind, about, budgetMs }, async (scene) => {
    const names = ['worker 1', 'worker 2', 'worker 3'];
    await scene.set(
      [[], []],
      names.map((name) => ({ kind, name, runMs: RUN_MS })),
    );
    await scene.pauseReally(SETTLE_MS);
    await act(scene, signal);
  });
}

async function act(scene: Scene, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const load = scene.startLoad({
    arrivals: { kind: 'uniform', maxMs: GAP_MS },
    durationMs: BEFORE_MS + AFTER_MS,
  });
  await scene.pause(BEFORE_MS);
  const bursts = [1, 2].map((number) => scene.traffic.burst(scene.callUrl(number), BURST));
  await scene.untilLedger('a call of gateway 1 to run', 10_000, (ledger) => {
    const began = new Set(ledger.filter(({ kind }) => kind === 'began').map(({ call }) => call));
    return bursts[0]?.numbers.some((n) => began.has(n)) || undefined;
  });
  await scene.pauseReally(ARRIVAL_MS + 10);
  scene.note(`${signal} of gateway 1`);
  scene.gateway(1).process.kill(signal);
  await Promise.all([...bursts.map(({ done }) => done), load.done]);
  // What the workers still run for callers that are gone.
  await scene.pause(BURST * RUN_MS[1]);
  await scene.pauseReally(SETTLE_MS);
}

function termChecks(one: Play): Check[] {
  const { underWay, later, others } = callsOf(one);
  const ran = new Set(one.runs.map(({ call }) => call));
  const taken = later.filter(({ code }) => code !== 'ok');
  return [
    check(
      'ours, SIGTERM: every call under way at the gateway is answered',
      underWay.length > 0 && resultsOf({ calls: underWay }).length === underWay.length,
      `${resultsOf({ calls: underWay }).length} of ${underWay.length}`,
    ),
    check(
      'ours, SIGTERM: later calls find its port closed, or get a no, at once; none of them ran',
      taken.length > 0 && taken.every(({ n, tookMs }) => !ran.has(n) && tookMs < AT_ONCE_MS),
      `${taken.length} calls: ${describeOutcomes(taken)}`,
    ),
    check(
      'ours, SIGTERM: every call of the other gateway is answered',
      allAnswered(others),
      `${others.length} calls: ${describeOutcomes(others)}`,
    ),
  ];
}

function killChecks(one: Play): Check[] {
  const { underWay, later, others } = callsOf(one);
  const at = one.events[0]?.at ?? Number.NaN;
  const closedAfterMs = underWay.map(({ dueAt, tookMs }) => dueAt + tookMs - at);
  const theirs = new Set([...underWay, ...later].map(({ n }) => n));
  const stillOpen = one.runs.filter(({ call, end }) => theirs.has(call) && end === 'open');
  return [
    check(
      'ours, SIGKILL: the callers of the gateway see at once that their connection is closed',
      underWay.length > 0 &&
        underWay.every(({ status }) => status === 0) &&
        closedAfterMs.every((ms) => ms < AT_ONCE_MS),
      `${underWay.length} calls: ${describeOutcomes(underWay)}, ${Math.max(...closedAfterMs).toFixed(0)} ms at most`,
    ),
    check(
      'ours, SIGKILL: workers finish or drop what they had of it',
      stillOpen.length === 0,
      `${one.runs.filter(({ call }) => theirs.has(call)).length} of its calls ran, ${stillOpen.length} still run`,
    ),
    check(
      'ours, SIGKILL: nobody else is harmed: every call of the other gateway is answered',
      allAnswered(others),
      `${others.length} calls: ${describeOutcomes(others)}`,
    ),
  ];
}

function factsOf(one: Play): Record<string, string> {
  const { underWay, later, others } = callsOf(one);
  return {
    'under way at gateway 1': describeOutcomes(underWay),
    'called gateway 1 later': describeOutcomes(later),
    'called gateway 2': describeOutcomes(others),
  };
}

/** Calls of gateway 1 that it had, and those that came later; calls of the other one after the signal, or across it. */
function callsOf({ calls, events }: Play) {
  const at = events[0]?.at ?? Number.NaN;
  const urls = [...new Set(calls.map(({ url }) => url))];
  const [first] = calls;
  // Loads take the gateways in turn, beginning with the first.
  const isOwn = ({ url }: SeenCall) => url === first?.url && urls.length === 2;
  const isOver = ({ dueAt, tookMs }: SeenCall) => dueAt + tookMs <= at;
  const own = calls.filter((call) => isOwn(call) && !isOver(call));
  return {
    underWay: own.filter(({ dueAt, lateMs }) => dueAt + lateMs <= at - ARRIVAL_MS),
    later: own.filter(({ dueAt, lateMs }) => dueAt + lateMs > at),
    others: calls.filter((call) => !isOwn(call) && !isOver(call)),
  };
}

function allAnswered(calls: readonly SeenCall[]): boolean {
  return calls.length > 0 && resultsOf({ calls }).length === calls.length;
}
