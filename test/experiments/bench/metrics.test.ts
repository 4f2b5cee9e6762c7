import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRecords, fullThresholds } from '../../../experiments/bench/dispatch/checks.ts';
import { summarize } from '../../../experiments/bench/dispatch/metrics.ts';
import { Records } from '../../../experiments/bench/dispatch/records.ts';
import { workOf } from '../../../experiments/bench/dispatch/work.ts';
import { selectWorkloads } from '../../../experiments/bench/dispatch/workloads.ts';
import type { MeasuredCall } from '../../../experiments/harness/generator/trace.ts';
import { parseLedger, runsOf } from '../../../experiments/harness/ledger.ts';

test('worker time for calls that were not answered in time is wasted', () => {
  const outcomes = [outcome(0, 'ok', 100), outcome(1, 'gave_up', 500), outcome(2, 'left', 50)];
  const work = [ran(0, 0, 60), ran(1, 60, 90), ran(2, 90, 100), ran(0, 100, 120)];
  const summary = summarize(outcomes, work);
  assert.equal(summary.goodput, 1 / 3);
  assert.equal(summary.wasted, 40 / 120);
  assert.equal(summary.ranTwice, 1);
  assert.equal(summary.medianFailureMs, 500);
  assert.deepEqual(summary.codes, { ok: 1, gave_up: 1, left: 1 });
});

test('the lead-in is left out of every figure', () => {
  const outcomes = [{ ...outcome(0, 'gave_up', 500), leadIn: true }, outcome(1, 'ok', 20)];
  const summary = summarize(outcomes, [ran(0, 0, 900), ran(1, 0, 10)]);
  assert.equal(summary.offered, 1);
  assert.equal(summary.goodput, 1);
  assert.equal(summary.wasted, 0);
});

test('work is told without the time that a worker was frozen, until it was killed', () => {
  const text =
    'began 1 1010\nended 1 1110\nbegan 2 1200\nended 2 1800\nbegan -1 1850\nended -1 1860\nbegan 3 1900\n';
  const ledger = parseLedger('b', text);
  const work = (killed: ReadonlyMap<string, number>, standstill: object) =>
    workOf(runsOf(ledger, 6000, killed), ['a', 'b'], 1000, new Map([['b', standstill]]));
  assert.deepEqual(work(new Map(), { frozenFrom: 1300, frozenTo: 1700 }), [
    { worker: 1, call: 1, beganAt: 10, endedAt: 110 },
    { worker: 1, call: 2, beganAt: 200, endedAt: 400 },
    { worker: 1, call: 3, beganAt: 900, endedAt: 5000 },
  ]);
  assert.equal(work(new Map([['b', 1950]]), {}).at(-1)?.endedAt, 950);
});

test('a ratio compares runs of the same seed, and its median judges', () => {
  const records = recordsOf({ alifo: [0.5, 0.5, 0.25], ours: [0.25, 0.375, 0.3125] });
  // 0.5, 0.75 and 1.25: dividing the medians would say 0.625.
  assert.equal(records.ratio('W2@1.5', 'ours', 'alifo'), 0.75);
  const results = checkRecords(selectWorkloads(['W2@1.5']), records, fullThresholds);
  assert.deepEqual(
    results.map(({ what, passed }) => `${what} ${passed}`),
    [
      "W2@1.5: goodput / aLIFO's false",
      'W2@1.5: worker time wasted true',
      'W2@1.5: median refusal / deadline false',
    ],
  );
});

test('what was not measured is not judged', () => {
  assert.deepEqual(checkRecords(selectWorkloads(['W1', 'W2', 'short']), new Records(), fullThresholds), []);
});

function outcome(call: number, code: string, afterMs: number): MeasuredCall {
  return { call, leadIn: false, good: code === 'ok', code, afterMs, lateMs: 0 };
}

function ran(call: number, beganAt: number, endedAt: number) {
  return { worker: 0, call, beganAt, endedAt };
}

/** Runs of W2@1.5, a goodput for each seed; nothing wasted, refusals at 400 ms. */
function recordsOf(goodputs: Readonly<Record<string, readonly number[]>>): Records {
  const records = new Records();
  for (const [system, ofSeeds] of Object.entries(goodputs)) {
    for (const [seed, goodput] of ofSeeds.entries()) {
      const summary = { ...summarize([outcome(0, 'saturated', 400)], []), goodput, wasted: 0 };
      records.runs.push({ workload: 'W2@1.5', system, seed, summary, perSecond: 0 });
    }
  }
  return records;
}
