import { auditOf, resultsOf, variantOf } from '../play.ts';
import { check, type Scenario } from '../scenario.ts';
import { SLOW_AND_FAST_MS, slowAndFast, slowAndFastFacts } from './06-slow-and-fast.ts';

/** Experiment 8. */
export const highWater: Scenario = {
  id: '8',
  title: 'Leaving the group at high water',
  question: 'Does it help when a worker with a long buffer stops taking calls until it has worked it off?',
  notebook:
    'An idea: when the buffer is worth four seconds of work, unsubscribe, work it off, subscribe again.',
  variantMs: [SLOW_AND_FAST_MS, SLOW_AND_FAST_MS, SLOW_AND_FAST_MS],
  async run(context) {
    const [plain, leaving, ours] = await Promise.all([
      slowAndFast(context, 'plain'),
      slowAndFast(context, 'plain', { leavesAtHighWater: true }),
      slowAndFast(context, 'ours'),
    ]);
    const left = leaving.ledger.filter(({ kind }) => kind === 'left').length;
    const [few, more, most] = [resultsOf(plain).length, resultsOf(leaving).length, resultsOf(ours).length];
    return {
      variants: [plain, leaving, ours].map((play) => variantOf(play, { facts: slowAndFastFacts(play) })),
      checks: [
        check('the slow worker leaves its group, and comes back', left > 0, `${left} times`),
        check(
          'it helps: more is answered in time than without',
          more > few,
          `${more} against ${few} of ${plain.offered}`,
        ),
        check(
          'ours answers at least as many, but for one in a hundred',
          most >= more - 0.01 * ours.offered,
          `${most} of ${ours.offered}`,
        ),
        auditOf(ours),
      ],
    };
  },
};
