import { percentile } from '../../harness/statistics.ts';
import { auditOf, type Play, unstalledMs, variantOf } from '../play.ts';
import { check, NOTEBOOK_GAP_MS, type Scenario, type ScenarioContext } from '../scenario.ts';

const IMPOLITE_MS = 12_000;
/** Two pauses of ten seconds, and calls between them. */
const POLITE_MS = 25_000;
const DEFAULT_RETRY_AFTER_S = 10;
const MAX_REFUSAL_MS = 50;
/** A gateway is certain that nobody serves a function when it has been connected for a second. */
const GRACE_MS = 1300;

/** Experiment 1. */
export const noConsumers: Scenario = {
  id: '1',
  title: 'No consumers',
  question: 'Nobody serves the function. When does a caller learn it, and what should it do then?',
  notebook:
    'A request that nobody is subscribed to fails at once ("no responders"). The producer logs it and sleeps for ten seconds.',
  comparesShares: false,
  variantMs: [IMPOLITE_MS, POLITE_MS],
  async run(context) {
    const retryAfterS = Math.ceil(DEFAULT_RETRY_AFTER_S / context.speedUp);
    const [impolite, polite] = await Promise.all([
      play(context, 'default', 'A gateway as it comes and callers that never pause. No worker.', []),
      play(
        context,
        'polite',
        `A gateway with --retry-after-s ${retryAfterS} and a caller that pauses for as long as it is told. No worker.`,
        ['--retry-after-s', String(retryAfterS)],
      ),
    ]);
    return {
      variants: [impolite, polite].map((one) =>
        variantOf(one, { facts: factsOf(one), log: pauseLines(one) }),
      ),
      checks: [
        ...refusalChecks(impolite),
        ...politeChecks(polite, retryAfterS),
        auditOf(impolite),
        auditOf(polite),
      ],
    };
  },
};

function play(
  context: ScenarioContext,
  name: string,
  about: string,
  flags: readonly string[],
): Promise<Play> {
  const isPolite = name === 'polite';
  return context.play({ name, kind: 'ours', about }, async (scene) => {
    await scene.set([flags], []);
    await scene.pauseReally(GRACE_MS);
    await scene.load({
      arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS },
      durationMs: isPolite ? POLITE_MS : IMPOLITE_MS,
      clients: isPolite ? 1 : 4,
      isPolite,
    });
  });
}

function refusalChecks(one: Play) {
  const { calls } = one;
  const refused = calls.filter(
    ({ status, code, started }) => `${status} ${code} ${started}` === '503 no_responders no',
  );
  const told = new Set(calls.map(({ retryAfterS }) => retryAfterS));
  return [
    check(
      'every call is refused: 503 no_responders, started: no',
      calls.length > 0 && refused.length === calls.length,
      `${refused.length} of ${calls.length}`,
    ),
    check(
      `every refusal takes less than ${MAX_REFUSAL_MS} ms, as its caller sees it`,
      callerMs(one, 1) < MAX_REFUSAL_MS,
      `${callerMs(one, 0.5).toFixed(1)} ms in the middle, ${callerMs(one, 1).toFixed(1)} ms at most`,
    ),
    check(
      `Retry-After is ${DEFAULT_RETRY_AFTER_S} by default`,
      told.size === 1 && told.has(DEFAULT_RETRY_AFTER_S),
      [...told].join(', '),
    ),
  ];
}

function politeChecks({ pauses, calls }: Play, retryAfterS: number) {
  return [
    check(
      `a polite caller pauses for the ${retryAfterS} s that it was told, and logs it`,
      pauses.length >= 2 &&
        pauses.every(({ ms, code }) => ms === retryAfterS * 1000 && code === 'no_responders'),
      pauses.map(({ ms }) => `${ms / 1000} s`).join(', ') || 'no pause',
    ),
    check(
      'and so it calls rarely: no more than what was sent before the first answer of each pause',
      calls.length <= 2 * (pauses.length + 1),
      `${calls.length} calls, ${pauses.length} pauses`,
    ),
  ];
}

function factsOf(one: Play) {
  return {
    'refused within (middle)': `${callerMs(one, 0.5).toFixed(1)} ms`,
    'refused within (slowest)': `${callerMs(one, 1).toFixed(1)} ms`,
    pauses: one.pauses.length,
  };
}

function pauseLines({ pauses }: Play): string[] {
  return pauses.map(
    ({ client, ms, status, code }) => `client ${client} pauses for ${ms / 1000} s: ${status} ${code}`,
  );
}

function callerMs(one: Play, share: number): number {
  const took = one.calls.map((call) => unstalledMs(call, one));
  return percentile(took, share) ?? Number.POSITIVE_INFINITY;
}
