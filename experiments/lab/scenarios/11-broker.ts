import { describeOutcomes } from '../figures.ts';
import { auditOf, type Play, resultsOf, unstalledMs, variantOf } from '../play.ts';
import type { Check } from '../result.ts';
import { check, type Scenario, type ScenarioContext } from '../scenario.ts';
import type { Scene } from '../scene.ts';

const BEFORE_MS = 10_000;
const AWAY_MS = 10_000;
/** Gateways and workers dial again every quarter of a second or two, at any speed. */
const MIN_AWAY_REALLY_MS = 2000;
const AFTER_MS = 20_000;
/** Within this time after the return of the broker all is as before. */
const RECOVERY_REALLY_MS = 2000;
/** In this time a gateway may not have noticed that its connection is gone. */
const NOTICE_REALLY_MS = 100;
const MAX_REFUSAL_MS = 50;
const PER_SECOND = 3;
const RUN_MS = [800, 1200] as const;

/** Experiment 11. */
export const brokerScenario: Scenario = {
  id: '11',
  title: 'The broker is killed',
  question: 'The broker dies under load and comes back. Who is told what, when, and must I restart anything?',
  notebook: 'Messages whose answer was still awaited are lost.',
  variantMs: [BEFORE_MS + AWAY_MS + AFTER_MS + 10_000, BEFORE_MS + AWAY_MS + AFTER_MS + 10_000],
  async run(context) {
    const [plain, ours] = await Promise.all([play(context, 'plain'), play(context, 'ours')]);
    return {
      variants: [plain, ours].map((one) =>
        variantOf(one, { facts: factsOf(one), log: connectionLines(one) }),
      ),
      checks: [...checksOf(ours), auditOf(ours)],
    };
  },
};

function play(context: ScenarioContext, kind: 'plain' | 'ours'): Promise<Play> {
  const about =
    kind === 'ours'
      ? 'Two workers of ours with four slots each.'
      : 'Eight plain consumers, one call at a time each.';
  return context.play({ name: kind, kind, about }, async (scene) => {
    const workers = Array.from({ length: kind === 'ours' ? 2 : 8 }, (_, index) => ({
      kind,
      name: `worker ${index + 1}`,
      runMs: RUN_MS,
      slots: 4,
    }));
    await scene.set([[]], workers);
    await act(scene, context.speedUp);
  });
}

async function act(scene: Scene, speedUp: number): Promise<void> {
  const durationMs =
    BEFORE_MS + Math.max(AWAY_MS, MIN_AWAY_REALLY_MS * speedUp) + AFTER_MS + RECOVERY_REALLY_MS * speedUp;
  const load = scene.startLoad({ arrivals: { kind: 'poisson', perSecond: PER_SECOND }, durationMs });
  await scene.pause(BEFORE_MS);
  // So that there are calls whose answer is awaited.
  const underWay = scene.traffic.burst(scene.callUrl(), 4);
  await scene.untilLedger('the calls of the burst to begin', 5000, (ledger) => {
    const count = (kind: string) => ledger.filter((entry) => entry.kind === kind).length;
    return count('began') - count('ended') >= 3 || undefined;
  });
  scene.note('SIGKILL of the broker');
  await scene.stage.broker.kill('SIGKILL');
  await Promise.all([scene.pause(AWAY_MS), scene.pauseReally(MIN_AWAY_REALLY_MS)]);
  await scene.stage.broker.startAgain();
  scene.note('the broker is back');
  await Promise.all([underWay.done, load.done]);
}

function checksOf(ours: Play): Check[] {
  const { underWay, away, after } = phases(ours);
  const refused = away.filter(
    ({ status, code, started }) => `${status} ${code} ${started}` === '503 broker_unavailable no',
  );
  const answered = resultsOf({ calls: after }).length;
  const told = underWay.filter(
    ({ code, started }) => code === 'ok' || started === 'no' || started === 'unknown',
  );
  const refusalMs = Math.max(...away.map((call) => unstalledMs(call, ours)));
  return [
    check(
      'ours: while it is away every call is told at once: 503 broker_unavailable, started: no',
      away.length > 0 && refused.length === away.length,
      `${refused.length} of ${away.length}`,
    ),
    check(
      `ours: that takes less than ${MAX_REFUSAL_MS} ms for each of them, as its caller sees it`,
      away.length > 0 && refusalMs < MAX_REFUSAL_MS,
      `${refusalMs.toFixed(1)} ms at most`,
    ),
    check(
      'ours: calls whose answer was awaited get it, or a no that says whether they may have started, in time',
      underWay.length >= 3 && told.length === underWay.length,
      describeOutcomes(underWay),
    ),
    check(
      `ours: ${RECOVERY_REALLY_MS / 1000} s after its return every call is answered`,
      after.length > 0 && answered === after.length,
      describeOutcomes(after),
    ),
    check(
      'ours: no process was started again',
      starts(ours) === 1 + ours.workers.length,
      `${starts(ours)} processes were ready`,
    ),
  ];
}

function factsOf(one: Play): Record<string, string> {
  const { underWay, away, returning, after } = phases(one);
  return {
    'answer awaited when it died': describeOutcomes(underWay),
    'called while it was away': describeOutcomes(away),
    'called while it came back': describeOutcomes(returning),
    'called later': describeOutcomes(after),
  };
}

function phases({ calls, events }: Play) {
  const [killedAt = Number.NaN, backAt = Number.NaN] = events.map(({ at }) => at);
  const noticedAt = killedAt + NOTICE_REALLY_MS;
  const wellAt = backAt + RECOVERY_REALLY_MS;
  return {
    underWay: calls.filter(({ dueAt, tookMs }) => dueAt < noticedAt && dueAt + tookMs > killedAt),
    // The port is taken a moment before the lab hears of it.
    away: calls.filter(({ dueAt }) => noticedAt <= dueAt && dueAt < backAt - NOTICE_REALLY_MS),
    returning: calls.filter(({ dueAt }) => backAt - NOTICE_REALLY_MS <= dueAt && dueAt < wellAt),
    after: calls.filter(({ dueAt }) => wellAt <= dueAt),
  };
}

/** Processes that said that they were ready: a second time, if one had been started again. */
function starts({ gatewayLogs, workerLogs }: Play): number {
  return [...gatewayLogs, ...workerLogs.values()].flat().filter(({ msg }) => msg === 'ready').length;
}

function connectionLines({ gatewayLogs, workerLogs }: Play): string[] {
  return [...gatewayLogs, ...workerLogs.values()]
    .flat()
    .filter(({ msg }) => msg === 'lost the broker' || msg === 'connected to the broker')
    .map(({ time, service, msg }) => `${time} ${service}: ${msg}`)
    .sort();
}
