import type { BufferRule } from '../../harness/job.mjs';
import { percent } from '../figures.ts';
import { auditOf, type Play, resultsOf, variantOf } from '../play.ts';
import { check, NOTEBOOK_GAP_MS, NOTEBOOK_RUN_MS, type Scenario, type ScenarioContext } from '../scenario.ts';

/** About 100 calls: enough that a few more or less at one worker change little. */
const DURATION_MS = 75_000;
/** It answers faster than calls come, and could do all of them alone. */
const FAST_RUN_MS = [400, 600] as const;

/** The notebook's producer over a slow and a fast worker; shared by the scenarios that try to mend it. */
export function slowAndFast(
  context: ScenarioContext,
  kind: 'plain' | 'ours',
  buffer: BufferRule = {},
): Promise<Play> {
  const { limit, leavesAtHighWater = false } = buffer;
  const rule = limit !== undefined ? `limit ${limit}` : leavesAtHighWater ? 'high-water' : 'keep';
  const name = kind === 'ours' || rule === 'keep' ? kind : rule;
  const about =
    kind === 'ours'
      ? 'A slow and a fast worker of ours, one slot each.'
      : `A slow and a fast worker in a plain queue group, ${ABOUT[rule] ?? 'one call at a time, with a bounded buffer'}.`;
  return context.playOnce(`slow and fast, ${name}`, { name, kind, about }, async (scene) => {
    await scene.set(
      [[]],
      [
        { kind, name: 'slow', runMs: NOTEBOOK_RUN_MS, buffer },
        { kind, name: 'fast', runMs: FAST_RUN_MS, buffer },
      ],
    );
    await scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: DURATION_MS });
  });
}

const ABOUT: Readonly<Record<string, string>> = {
  keep: 'one call at a time, with a buffer without a limit',
  'high-water': 'each leaves the group when its buffer is worth four seconds, until it is worked off',
};

/** The time that one variant takes, for estimates. */
export const SLOW_AND_FAST_MS = DURATION_MS + 5000;

/** What the tables of these scenarios show besides. */
export function slowAndFastFacts(play: Play): Record<string, string> {
  const noted = (kind: string) => String(play.ledger.filter((entry) => entry.kind === kind).length);
  return {
    'calls thrown away by a worker': noted('dropped'),
    'times a worker left the group': noted('left'),
  };
}

/** Experiment 6. */
export const slowAndFastScenario: Scenario = {
  id: '6',
  title: 'A slow and a fast worker',
  question: 'One of my workers is slow, another could do everything alone. Who gets the calls?',
  notebook:
    'NATS gives each message to a random member of the group. The slow consumer got as many as the fast one, and answered part of them after their time.',
  variantMs: [SLOW_AND_FAST_MS, SLOW_AND_FAST_MS],
  async run(context) {
    const [plain, ours] = await Promise.all([slowAndFast(context, 'plain'), slowAndFast(context, 'ours')]);
    const share = (play: Play) => resultsOf(play).length / play.offered;
    const got = (play: Play) => `${resultsOf(play).length} of ${play.offered}, ${percent(share(play), 1)}`;
    return {
      variants: [plain, ours].map((play) => variantOf(play, { facts: slowAndFastFacts(play) })),
      checks: [
        check(
          'plain: about half is answered in time (35 to 70 %)',
          share(plain) > 0.35 && share(plain) < 0.7,
          got(plain),
        ),
        check('ours: at least 99 % are answered in time', share(ours) >= 0.99, got(ours)),
        auditOf(ours),
      ],
    };
  },
};
