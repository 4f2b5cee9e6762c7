import { auditOf, type Play, resultsOf, variantOf } from '../play.ts';
import { check, NOTEBOOK_RUN_MS, type Scenario, type ScenarioContext } from '../scenario.ts';

/** At about 1.2 times what the eight slots can do, for 270 calls: calls wait at every gateway. */
const DURATION_MS = 60_000;
const PER_SECOND = 4.5;
const SETTLE_MS = 1000;
const COUNTS = [1, 2, 4];
const MIN_GOODPUT_SHARE = 0.9;
/** Of an even share; a gateway has about 70 calls, which scatter. */
const MIN_FAIR_SHARE = 0.7;

/** Experiment 10. */
export const gateways: Scenario = {
  id: '10',
  title: 'Several producers',
  question:
    'I run two or four gateways before the same workers. Is anything lost, and is each treated alike?',
  notebook: 'With two producers on one subject nothing changes.',
  variantMs: [DURATION_MS + 5000, DURATION_MS + 5000, DURATION_MS + 5000, DURATION_MS + 5000],
  async run(context) {
    const [plain, ...ours] = await Promise.all([
      play(context, 'plain', 4),
      ...COUNTS.map((count) => play(context, 'ours', count)),
    ]);
    const [single, ...several] = ours;
    const alone = single === undefined ? 0 : resultsOf(single).length;
    return {
      variants: [plain, ...ours].map((one) => variantOf(one, { facts: factsOf(one) })),
      checks: [
        ...several.map((one) => {
          const results = resultsOf(one).length;
          const says = `${one.spec.name}: as many are answered in time as with one (at least ${100 * MIN_GOODPUT_SHARE} %)`;
          return check(
            says,
            results >= MIN_GOODPUT_SHARE * alone,
            `${results} against ${alone} of ${one.offered}`,
          );
        }),
        ...several.map((one) => {
          const shares = sharesOf(one);
          const even = resultsOf(one).length / shares.length;
          const says = `${one.spec.name}: each gateway gets its fair share (at least ${100 * MIN_FAIR_SHARE} % of an even one)`;
          return check(
            says,
            shares.every((share) => share >= MIN_FAIR_SHARE * even),
            shares.join(', '),
          );
        }),
        ...ours.map(auditOf),
      ],
    };
  },
};

function play(context: ScenarioContext, kind: 'plain' | 'ours', count: number): Promise<Play> {
  const gatewaysText = count === 1 ? '1 gateway' : `${count} gateways`;
  const name = kind === 'plain' ? `plain, ${gatewaysText}` : gatewaysText;
  const about =
    kind === 'ours'
      ? `${gatewaysText} before two workers of ours with four slots each.`
      : `${gatewaysText} before eight plain consumers, one call at a time each.`;
  return context.play({ name, kind, about }, async (scene) => {
    const workers = Array.from({ length: kind === 'ours' ? 2 : 8 }, (_, index) => ({
      kind,
      name: `worker ${index + 1}`,
      runMs: NOTEBOOK_RUN_MS,
      slots: 4,
    }));
    await scene.set(
      Array.from({ length: count }, () => []),
      workers,
    );
    await scene.pauseReally(SETTLE_MS);
    await scene.load({ arrivals: { kind: 'poisson', perSecond: PER_SECOND }, durationMs: DURATION_MS });
  });
}

function factsOf(one: Play): Record<string, string> {
  return {
    'results by gateway': sharesOf(one).join(', '),
  };
}

/** Results that came through each gateway. */
function sharesOf(one: Play): number[] {
  const urls = [...new Set(one.calls.map(({ url }) => url))].sort();
  return urls.map((url) => resultsOf(one).filter((call) => call.url === url).length);
}
