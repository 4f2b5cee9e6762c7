import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../../../experiments/bench/overload/goals.ts';
import { readOverloadOptions } from '../../../../experiments/bench/overload/options.ts';
import { Records, recoveryOf, summarize } from '../../../../experiments/bench/overload/records.ts';
import { goodputChart } from '../../../../experiments/bench/overload/report/chart.ts';
import { reportMarkdown } from '../../../../experiments/bench/overload/report/markdown.ts';
import { Histogram } from '../../../../experiments/harness/histogram.ts';
import type { PhaseFigures } from '../../../../experiments/harness/http-load/plan.ts';

const OPTIONS = { handlers: [5], times: [1, 2], afterSeconds: 8 };

test('what several generators saw is one summary, and what they could not send is not offered', () => {
  const parts = [
    phase({ codes: { ok: 80, http_503: 20, generator_late: 100 }, refused: [10, 20], late: [1, 300] }),
    phase({ codes: { ok: 100, gave_up: 100 }, good: [5] }),
  ];
  const summary = summarize(parts, 10);
  assert.equal(summary.sentPerSecond, 30);
  assert.equal(summary.goodPerSecond, 18);
  assert.equal(summary.unsent, 0.25);
  assert.equal(summary.codes.ok, 180);
  assert.ok(Math.abs((summary.refusedP50Ms ?? 0) - 10) < 0.1);
  assert.ok(Math.abs((summary.lateP99Ms ?? 0) - 300) < 3);
});

test('service is normal again when it stays so', () => {
  const bins = (...shares: number[]) => phase({ bins: shares.map((good) => ({ sent: 10, good })) });
  assert.equal(recoveryOf([bins(10, 10, 10)]), 0);
  assert.equal(recoveryOf([bins(0, 10, 5, 10)]), 0.75);
  assert.equal(recoveryOf([bins(10, 10, 5)]), undefined);
  // A bad bin of one generator is made good by the others, of all calls together.
  assert.equal(recoveryOf([bins(9, 10), bins(10, 10)]), 0);
});

test('goodput is divided by the own peak, or by what was offered where that is less', () => {
  const records = recordsOf({ ours: [100, 90], nginx: [1000, 150] });
  assert.equal(records.share(5, 2, 'ours'), 0.9);
  assert.equal(records.share(5, 2, 'nginx'), 0.75);
  assert.equal(records.share(5, 1, 'ours'), undefined);
});

test('nine tenths must be left, or what the better proxy has left', () => {
  const passed = (records: Records) => judge(OPTIONS, records).map((goal) => `${goal.needed} ${goal.passed}`);
  const rest = ['≤ 50 true', '≤ 250 false', '≤ 5 true'];
  assert.deepEqual(passed(recordsOf({ ours: [100, 85] })), ['≥ 0.9 false', ...rest]);
  assert.deepEqual(passed(recordsOf({ ours: [100, 85], nginx: [1000, 160] })), ['≥ 0.8 true', ...rest]);
  assert.deepEqual(passed(recordsOf({ ours: [100, 85], haproxy: [1000, 200] })), ['≥ 0.9 false', ...rest]);
  assert.deepEqual(judge(OPTIONS, new Records()), []);
});

test('the report tells goodput, refusals and lateness, and the chart has a line for each system', () => {
  const options = readOverloadOptions(['--handlers', '5', '--times', '1,2']);
  assert.ok(options !== undefined);
  const records = recordsOf({ ours: [100, 90], nginx: [1000, 150] });
  records.missing.set('haproxy', 'haproxy is not installed');
  const page = reportMarkdown({
    origin: {
      ...{ command: 'npm run bench:overload', date: '2026-01-02', commit: 'abc' },
      machine: { processor: 'P', cores: 2, memoryGiB: 4, system: 'S' },
      versions: {},
    },
    options,
    records,
    goals: judge(options, records),
  });
  assert.match(
    page,
    /\| 5 ms \| \*\*ours\*\* \| 2 × \| 200 \| 90 \| 0.90 \| 5, 40 \| 20, 300 \| 25.0 \| 70 \| 100 → 150 \| 0.50 \| 3 \|/,
  );
  assert.match(page, /haproxy is left out: haproxy is not installed/);
  assert.match(goodputChart(options, records) ?? '', /handlers of 5 ms/);
  assert.equal(goodputChart({ ...options, times: [2] }, records), undefined);
});

test('arguments are judged', () => {
  assert.deepEqual(readOverloadOptions([])?.handlers, [0, 5, 20]);
  assert.deepEqual(Object.keys(readOverloadOptions(['--quick'])?.systems ?? {}), ['ours']);
  assert.throws(() => readOverloadOptions(['--handlers=-1']), /--handlers must be positive numbers, got -1/);
  assert.equal(readOverloadOptions(['--help']), undefined);
});

interface PhaseParts {
  readonly codes?: Readonly<Record<string, number>>;
  readonly good?: readonly number[];
  readonly refused?: readonly number[];
  readonly late?: readonly number[];
  readonly bins?: PhaseFigures['bins'];
}

function phase({ codes = {}, good = [], refused = [], late = [], bins = [] }: PhaseParts): PhaseFigures {
  const buckets = (times: readonly number[]) => {
    const histogram = new Histogram();
    for (const ms of times) histogram.add(ms);
    return histogram.buckets;
  };
  return { codes, good: buckets(good), refused: buckets(refused), late: buckets(late), bins };
}

/** Of each system its peak and its goodput at 5 ms and twice 100/s. */
function recordsOf(systems: Readonly<Record<string, readonly [peak: number, good: number]>>): Records {
  const records = new Records();
  for (const [system, [perSecond, goodPerSecond]] of Object.entries(systems)) {
    records.peaks.push({ handlerMs: 5, system, perSecond });
    records.runs.push({
      ...{ handlerMs: 5, system, times: 2, offered: 200, recoveredAfterS: 0.5, gatewayUs: 70 },
      memory: { before: 100 * 2 ** 20, most: 150 * 2 ** 20 },
      overload: {
        ...{ sentPerSecond: 200, goodPerSecond, goodP50Ms: 5, goodP99Ms: 40, refusedP50Ms: 20 },
        ...{ refusedP99Ms: 300, lateP99Ms: 3, unsent: 0, codes: { ok: 75, gave_up: 25 } },
      },
    });
  }
  return records;
}
