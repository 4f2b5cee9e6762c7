import type { BufferRule } from '../../harness/job.mjs';
import type { SeenCall } from '../calls.ts';
import { auditOf, callLines, expiredLines, type Play, variantOf } from '../play.ts';
import {
  check,
  NOTEBOOK_BUDGET_MS,
  NOTEBOOK_RUN_MS,
  type Scenario,
  type ScenarioContext,
} from '../scenario.ts';
import type { Scene } from '../scene.ts';

/** Calls that reach the worker while it stands still. */
const CALLS = 4;
/** Decoding it fails, which would be seen. */
const BODY = '{"this is": no JSON';
const SETTLE_MS = 1000;
const PLAIN_WORK_MS = CALLS * NOTEBOOK_RUN_MS[1];

/** Experiment 5. */
export const stoppedWorker: Scenario = {
  id: '5',
  title: 'Calls that are too old',
  question: 'A worker stood still for ten seconds. Does it now do the work that nobody waits for any more?',
  notebook:
    'The consumer has the messages in its memory; the broker cannot take them back. So it skips those that are older than five seconds, by a time in their headers: bodies are costly to decode.',
  comparesShares: false,
  variantMs: [25_000, 15_000, 15_000],
  async run(context) {
    const [plain, skipping, ours] = await Promise.all([
      play(context, { kind: 'plain', name: 'plain', about: 'A plain consumer.' }),
      play(context, {
        kind: 'plain',
        name: 'skip stale',
        about: 'A plain consumer that skips what is too old, by the time in the headers.',
        buffer: { skipsStale: true },
      }),
      play(context, {
        kind: 'ours',
        name: 'ours',
        about: `A worker of ours with ${CALLS} slots. It decodes the calls before and after, and so refuses them: the body is no JSON.`,
      }),
    ]);
    const expired = expiredLines(callLines(ours), ours.gatewayLogs).length;
    const told = lateCalls(ours);
    const control = [ours.calls[0], ours.calls.at(-1)];
    return {
      variants: [plain, skipping, ours].map((one) =>
        variantOf(one, {
          facts: {
            'calls that were too old': CALLS,
            'of these, executed': lateRuns(one),
            'of these, decoded': lateDecoded(one),
          },
          log: linesShown(one),
        }),
      ),
      checks: [
        check(
          'plain: executes all of them, for nobody',
          lateRuns(plain) === CALLS,
          `${lateRuns(plain)} of ${CALLS}`,
        ),
        check('skip stale: executes none', lateRuns(skipping) === 0, `${lateRuns(skipping)} of ${CALLS}`),
        check(
          'ours: they were in the memory of the stopped worker, which answers every one `expired`',
          expired === CALLS,
          `${expired} of ${CALLS}`,
        ),
        check('ours: none of them is executed', lateRuns(ours) === 0, `${lateRuns(ours)} of ${CALLS}`),
        check(
          'ours: no body was decoded (each would have been refused as no JSON)',
          lateDecoded(ours) === 0,
          `${lateDecoded(ours)} of ${CALLS}`,
        ),
        check(
          'ours: their callers are told 504 when the budget ends',
          told.length === CALLS && told.every(({ code }) => code === 'deadline_exceeded'),
          told.map(({ code, tookMs }) => `${code} after ${tookMs.toFixed(0)} ms`).join(', '),
        ),
        check(
          'ours: a call before and one after it are decoded, and so refused',
          control.every((call) => call?.code === 'bad_request'),
          control.map((call) => call?.code).join(', '),
        ),
        auditOf(ours),
      ],
    };
  },
};

function play(
  context: ScenarioContext,
  { kind, name, about, buffer }: { kind: 'plain' | 'ours'; name: string; about: string; buffer?: BufferRule },
): Promise<Play> {
  return context.play({ name, kind, about, body: BODY }, async (scene) => {
    const rule = buffer === undefined ? {} : { buffer };
    await scene.set([[]], [{ kind, name: 'worker 1', runMs: NOTEBOOK_RUN_MS, slots: CALLS, ...rule }]);
    await act(scene, kind);
  });
}

async function act(scene: Scene, kind: 'plain' | 'ours'): Promise<void> {
  await scene.pauseReally(SETTLE_MS);
  // As usual, the worker has had a call before it stands still. It shows, too, that decoding is seen.
  await scene.traffic.burst(scene.callUrl(), 1).done;
  scene.signalWorker('worker 1', 'SIGSTOP');
  const calls = scene.traffic.burst(scene.callUrl(), CALLS);
  await Promise.all([calls.done, scene.pause(2 * NOTEBOOK_BUDGET_MS)]);
  scene.signalWorker('worker 1', 'SIGCONT');
  await scene.pause(kind === 'plain' ? PLAIN_WORK_MS : 0);
  await scene.pauseReally(SETTLE_MS);
  await scene.traffic.burst(scene.callUrl(), 1).done;
}

/** The calls that came while the worker stood still. */
function lateCalls({ calls, events }: Play): readonly SeenCall[] {
  const [stoppedAt = Number.NaN, continuedAt = Number.NaN] = events.map(({ at }) => at);
  return calls.filter(({ dueAt }) => stoppedAt <= dueAt && dueAt < continuedAt);
}

function lateRuns(one: Play): number {
  const late = new Set(lateCalls(one).map(({ n }) => n));
  return one.runs.filter(({ call }) => late.has(call)).length;
}

/** Bodies of late calls that were decoded. The worker of ours logs `bad_request`, the plain one notes it. */
function lateDecoded(one: Play): number {
  const late = new Set(lateCalls(one).map(({ n }) => n));
  if (one.spec.kind === 'plain')
    return one.ledger.filter(({ kind, call }) => kind === 'undecodable' && late.has(call ?? -1)).length;
  // Callers of those that were in time are told.
  return outcomes(one, 'bad_request') - one.calls.filter(({ code }) => code === 'bad_request').length;
}

function outcomes(one: Play, outcome: string): number {
  return callLines(one).filter((line) => line.outcome === outcome).length;
}

function linesShown(one: Play): string[] {
  const lines = callLines(one);
  const expired = expiredLines(lines, one.gatewayLogs);
  const shown = lines.filter((line) => line.outcome !== 'expired' || expired.includes(line));
  return shown.map(({ time, call, outcome, running, buffered }) =>
    JSON.stringify({ time, call, outcome, running, buffered }),
  );
}
