import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkRecords, fullThresholds } from '../../../experiments/bench/dispatch/checks.ts';
import { readLedger } from '../../../experiments/bench/dispatch/ledger.ts';
import type { MeasuredCall } from '../../../experiments/bench/dispatch/measured-call.ts';
import { summarize } from '../../../experiments/bench/dispatch/metrics.ts';
import { Records } from '../../../experiments/bench/dispatch/records.ts';
import { median, percentile } from '../../../experiments/bench/dispatch/statistics.ts';
import { selectWorkloads } from '../../../experiments/bench/dispatch/workloads.ts';

test('percentiles are of nearest rank, and of nothing undefined', () => {
  const values = Array.from({ length: 100 }, (_, i) => 100 - i);
  assert.equal(percentile(values, 0.5), 50);
  assert.equal(percentile(values, 0.99), 99);
  assert.equal(percentile(values, 1), 100);
  assert.equal(percentile(values, 0), 1);
  assert.equal(percentile([7], 0.99), 7);
  assert.equal(percentile([], 0.5), undefined);
});

test('the median of an even number is between the two in the middle', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), undefined);
});

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

test('a ledger tells what a worker ran, without the time it was frozen, until it was killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-ledger-'));
  try {
    const path = join(folder, 'ledger');
    await writeFile(path, 'begin 1 1010\nend 1 1110\nbegin 2 1200\nend 2 1800\nbegin 3 1900\n');
    const frozen = { frozenFrom: 300, frozenTo: 700 };
    const ledger = (standstill: Parameters<typeof readLedger>[4]) =>
      readLedger(path, 0, 1000, 5000, standstill);
    assert.deepEqual(await ledger(frozen), [
      { worker: 0, call: 1, beganAt: 10, endedAt: 110 },
      { worker: 0, call: 2, beganAt: 200, endedAt: 400 },
      { worker: 0, call: 3, beganAt: 900, endedAt: 5000 },
    ]);
    assert.equal((await ledger({ killedAt: 950 })).at(-1)?.endedAt, 950);
    assert.deepEqual(await readLedger(join(folder, 'none'), 0, 0, 1), []);
  } finally {
    await rm(folder, { recursive: true });
  }
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
