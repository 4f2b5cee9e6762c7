import { snapshotLines } from '../../../cli/top/snapshot-text.ts';
import type { Snapshot } from '../../../observe/snapshot.ts';
import type { LogLine } from '../../harness/running-process.ts';
import { metricOf, metricsPort } from '../metrics.ts';
import { auditOf, callLines, variantOf } from '../play.ts';
import type { Check } from '../result.ts';
import { check, NOTEBOOK_GAP_MS, NOTEBOOK_RUN_MS, type Scenario } from '../scenario.ts';
import type { Scene } from '../scene.ts';

const DURATION_MS = 20_000;
const SHOWN_LINES = 8;
const SLOTS = 2;
const LOOK_EVERY_REALLY_MS = 100;
const TOP_STARTS_WITHIN_MS = 20_000;
/** Calls that may come and go between two looks. */
const PARKED_APART = 2;
const COUNTS = ['running', 'buffered', 'parked'] as const;

/** How many calls were where. */
type CallCounts = Record<(typeof COUNTS)[number], number>;

/** What was looked at while calls came. */
interface Looks {
  readonly metrics: readonly CallCounts[];
  readonly top: readonly Snapshot[];
}

/** Experiment 4. */
export const counts: Scenario = {
  id: '4',
  title: 'How much waits where',
  question: 'How many calls wait, and where? Can I see it for each call, and for all of them at any time?',
  notebook: 'The consumer logs for each message how many more are in its client, undone (sub.pending_msgs).',
  comparesShares: false,
  variantMs: [DURATION_MS + 5000, DURATION_MS + 8000],
  async run(context) {
    let looks: Looks = { metrics: [], top: [] };
    const [plain, ours] = await Promise.all([
      context.play(
        { name: 'plain', kind: 'plain', about: 'One plain consumer, one call at a time.' },
        async (scene) => {
          await scene.set([[]], [{ kind: 'plain', name: 'worker 1', runMs: NOTEBOOK_RUN_MS }]);
          await load(scene);
        },
      ),
      context.play(
        { name: 'ours', kind: 'ours', about: `One worker of ours with ${SLOTS} slots.` },
        async (scene) => {
          looks = await lookAtLoad(scene);
        },
      ),
    ]);
    const ran = callLines(ours).filter(({ outcome }) => outcome !== 'busy' && outcome !== 'expired');
    const whole = ran.filter((line) => COUNTS.every((name) => typeof line[name] === 'number'));
    const log = mostOf(ran.map(countsOfLine));
    const metrics = mostOf(looks.metrics);
    const top = mostOf(looks.top.flatMap(({ functions }) => functions));
    return {
      variants: [
        variantOf(plain, { log: [...plain.lines.values()].flat().slice(-SHOWN_LINES) }),
        variantOf(ours, {
          log: [...ran.slice(-SHOWN_LINES).map(shown), '', ...fullest(looks.top)],
          facts: {
            'at most, by the log of the worker': describe(log),
            'at most, by the metrics of the gateway': describe(metrics),
            'at most, by top': describe(top),
          },
        }),
      ],
      checks: [
        check(
          `ours: the worker logs every call that ran, with ${COUNTS.join(', ')}`,
          ran.length === ours.runs.length && ran.length > 0 && whole.length === ran.length,
          `${whole.length} lines with all counts, ${ours.runs.length} runs`,
        ),
        check(
          'ours: what waits is parked at the gateway, and the log says so',
          log.parked > 0,
          `up to ${log.parked} parked`,
        ),
        sameCheck('the metrics of the gateway show', metrics, log),
        sameCheck('top shows', top, log),
        auditOf(ours),
      ],
    };
  },
};

function load(scene: Scene): Promise<void> {
  return scene.load({ arrivals: { kind: 'uniform', maxMs: NOTEBOOK_GAP_MS }, durationMs: DURATION_MS });
}

async function lookAtLoad(scene: Scene): Promise<Looks> {
  const metrics = await metricsPort();
  await scene.set(
    [metrics.flags],
    [{ kind: 'ours', name: 'worker 1', runMs: NOTEBOOK_RUN_MS, slots: SLOTS }],
  );
  const top = scene.stage.startTop(LOOK_EVERY_REALLY_MS);
  await top.until('shows something', TOP_STARTS_WITHIN_MS, () => top.lines.length > 0 || undefined);
  const seen: CallCounts[] = [];
  let isOver = false;
  const look = async () => {
    while (!isOver) {
      seen.push(countsIn(await metrics.read()));
      await scene.pauseReally(LOOK_EVERY_REALLY_MS);
    }
  };
  const loading = load(scene).finally(() => {
    isOver = true;
  });
  await Promise.all([loading, look()]);
  return { metrics: seen, top: top.lines.map((line): Snapshot => JSON.parse(line)) };
}

function countsIn(metrics: string): CallCounts {
  return {
    running: metricOf(metrics, 'now_or_never_worker_running_calls'),
    buffered: metricOf(metrics, 'now_or_never_worker_buffered_calls'),
    parked: metricOf(metrics, 'now_or_never_parked_calls'),
  };
}

/** A line is written when its call has ended: it counts the others. */
function countsOfLine({ running, buffered, parked }: LogLine): CallCounts {
  return { running: 1 + Number(running), buffered: Number(buffered), parked: Number(parked) };
}

function mostOf(all: readonly CallCounts[]): CallCounts {
  const most = (name: keyof CallCounts) => Math.max(0, ...all.map((one) => one[name]));
  return { running: most('running'), buffered: most('buffered'), parked: most('parked') };
}

function sameCheck(where: string, got: CallCounts, log: CallCounts): Check {
  const isSame =
    got.running === SLOTS &&
    log.running === SLOTS &&
    got.buffered === log.buffered &&
    got.parked > 0 &&
    Math.abs(got.parked - log.parked) <= PARKED_APART;
  return check(
    `ours: ${where} the same: all slots running, nothing buffered, the rest parked`,
    isSame && log.buffered === 0,
    `at most ${describe(got)}; the log: ${describe(log)}`,
  );
}

function describe({ running, buffered, parked }: CallCounts): string {
  return `${running} running, ${buffered} buffered, ${parked} parked`;
}

/** What `top` shows of the moment at which most was parked. */
function fullest(snapshots: readonly Snapshot[]): string[] {
  const parked = ({ functions }: Snapshot) => functions.reduce((sum, fn) => sum + fn.parked, 0);
  const [most] = snapshots.toSorted((one, other) => parked(other) - parked(one));
  return most === undefined ? [] : snapshotLines(most);
}

function shown({ call, outcome, waitMs, workMs, running, buffered, parked }: LogLine): string {
  return JSON.stringify({ call, outcome, waitMs, workMs, running, buffered, parked });
}
