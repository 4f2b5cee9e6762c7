import { auditOf, callLines, type Play, variantOf } from '../play.ts';
import { type Context, check, NOTEBOOK_GAP_MS, NOTEBOOK_RUN_MS, type Scenario } from '../scenario.ts';
import type { LogLine } from '../stage-process.ts';

const DURATION_MS = 20_000;
const SHOWN_LINES = 8;
const COUNTS = ['running', 'buffered', 'parked'];

/** Experiment 4. */
export const counts: Scenario = {
  id: '4',
  title: 'How much waits where',
  question: 'How many calls wait, and where? Can I see it for each call?',
  notebook: 'The consumer logs for each message how many more are in its client, undone (sub.pending_msgs).',
  comparesShares: false,
  variantMs: [DURATION_MS + 5000, DURATION_MS + 5000],
  async run(context) {
    const [plain, ours] = await Promise.all([play(context, 'plain'), play(context, 'ours')]);
    const ran = callLines(ours).filter(({ outcome }) => outcome !== 'busy' && outcome !== 'expired');
    const whole = ran.filter((line) => COUNTS.every((name) => typeof line[name] === 'number'));
    const mostParked = Math.max(...ran.map(({ parked }) => Number(parked)));
    return {
      variants: [
        variantOf(plain, { log: [...plain.lines.values()].flat().slice(-SHOWN_LINES) }),
        variantOf(ours, { log: ran.slice(-SHOWN_LINES).map(shown) }),
      ],
      checks: [
        check(
          `ours: the worker logs every call that ran, with ${COUNTS.join(', ')}`,
          ran.length === ours.runs.length && ran.length > 0 && whole.length === ran.length,
          `${whole.length} lines with all counts, ${ours.runs.length} runs`,
        ),
        check(
          'ours: what waits is parked at the gateway, and the log says so',
          mostParked > 0,
          `up to ${mostParked} parked`,
        ),
        auditOf(ours),
      ],
    };
  },
};

function play(context: Context, kind: 'plain' | 'ours'): Promise<Play> {
  const about =
    kind === 'ours' ? 'One worker of ours with two slots.' : 'One plain consumer, one call at a time.';
  return context.play({ name: kind, kind, about }, async (scene) => {
    await scene.set([[]], [{ kind, name: 'worker 1', runMs: NOTEBOOK_RUN_MS, slots: 2 }]);
    await scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: DURATION_MS });
  });
}

function shown({ call, outcome, waitMs, workMs, running, buffered, parked }: LogLine): string {
  return JSON.stringify({ call, outcome, waitMs, workMs, running, buffered, parked });
}
