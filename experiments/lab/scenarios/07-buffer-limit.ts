import { auditOf, type Play, resultsOf, variantOf } from '../play.ts';
import { check, type Scenario } from '../scenario.ts';
import { SLOW_AND_FAST_MS, slowAndFast, slowAndFastFacts } from './06-slow-and-fast.ts';

/** Experiment 7. */
export const bufferLimit: Scenario = {
  id: '7',
  title: 'A limit on the buffer',
  question: 'Does a limit on the buffer of the slow worker send the rest of the calls to the fast one?',
  notebook:
    'With pending_msgs_limit=1 the consumer refuses what does not fit. NATS does not give it to the other consumer: it is lost.',
  variantMs: [SLOW_AND_FAST_MS, SLOW_AND_FAST_MS],
  async run(context) {
    const [limited, ours] = await Promise.all([
      slowAndFast(context, 'plain', { limit: 1 }),
      slowAndFast(context, 'ours'),
    ]);
    const dropped = new Set(limited.ledger.filter(({ kind }) => kind === 'dropped').map(({ call }) => call));
    const results = resultsOf(limited).filter(({ n }) => dropped.has(n)).length;
    return {
      variants: [limited, ours].map((play) => variantOf(play, { facts: slowAndFastFacts(play) })),
      checks: [
        check(
          'with a limit calls are thrown away',
          dropped.size > 0,
          `${dropped.size} of ${limited.offered}`,
        ),
        check('and nobody else answers these', results === 0, `${results} answered`),
        check(
          'ours answers more in time, and throws none away',
          resultsOf(ours).length > resultsOf(limited).length && noneDropped(ours),
          `${resultsOf(ours).length} against ${resultsOf(limited).length} of ${limited.offered}`,
        ),
        auditOf(ours),
      ],
    };
  },
};

function noneDropped({ calls, runs }: Play): boolean {
  const ran = new Set(runs.map(({ call }) => call));
  // A call that ran for nobody, or that was told nothing certain, would be one.
  return calls.every(({ n, code, started }) => code === 'ok' || (started === 'no' && !ran.has(n)));
}
