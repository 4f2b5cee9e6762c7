import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../../../experiments/bench/scale/goals.ts';
import { readScaleOptions } from '../../../../experiments/bench/scale/options.ts';
import { figures, Records } from '../../../../experiments/bench/scale/records.ts';
import { growthChart } from '../../../../experiments/bench/scale/report/chart.ts';
import { reportMarkdown } from '../../../../experiments/bench/scale/report/markdown.ts';
import { dimensions } from '../../../../experiments/bench/scale/shapes.ts';

test('growth compares levels of the same round, and its median judges the greatest level', () => {
  const records = recordsOf('workers', { 10: [100, 200, 100], 100: [150, 240, 300], 10000: [110, 210, 90] });
  assert.equal(records.growth('workers', 100, 10, figures.gatewayUs), 1.5);
  assert.equal(records.growth('workers', 1000, 10, figures.gatewayUs), undefined);
  const judged = judge({ dimensions }, records).map(({ what, got, passed }) => [what, got, passed]);
  assert.deepEqual(judged, [
    ['gateway CPU per call, 10 → 10000 workers of a function', 1.05, true],
    ['idle gateway, 10000 workers: share of a core', 0.2, false],
  ]);
});

test('groups may cost, since each of them gets every call', () => {
  assert.deepEqual(judge({ dimensions }, recordsOf('groups', { 1: [100], 10: [900] })), []);
});

test('each dimension begins with the same small system', () => {
  const first = Object.values(dimensions).map(({ levels, shape }) => shape(levels[0] ?? Number.NaN));
  for (const shape of first) assert.deepEqual(shape, first[0]);
});

test('the report has a table for each dimension and tells lost runs, the chart a line', () => {
  const options = readScaleOptions(['--dimensions', 'workers,brokers']);
  assert.ok(options !== undefined);
  const records = recordsOf('workers', { 10: [100], 1000: [120] });
  records.lost.push({ dimension: 'brokers', level: 3, reason: 'no broker' });
  const page = reportMarkdown({
    origin: {
      ...{ command: 'npm run bench:scale', date: '2026-01-02', commit: 'abc', versions: {} },
      machine: { processor: 'P', cores: 2, memoryGiB: 4, system: 'S' },
    },
    options,
    records,
    goals: judge(options, records),
  });
  assert.match(page, /\| 1,000 \| 120 \| 1.20 \| 30 \| 20.0 \| 4.00 \| 500 \| 3.0 \| 100 \| \*\*2\*\* \|/);
  assert.match(page, /Lost: brokers 3: no broker/);
  assert.match(growthChart(options, records) ?? '', /workers 10 → 10,000/);
  assert.equal(growthChart(options, new Records()), undefined);
});

test('arguments are judged', () => {
  assert.deepEqual(Object.keys(readScaleOptions([])?.dimensions ?? {}), Object.keys(dimensions));
  assert.deepEqual(readScaleOptions(['--quick'])?.dimensions.workers?.levels, [10, 100]);
  const levels = readScaleOptions(['--dimensions', 'parked', '--levels', '0,5'])?.dimensions.parked?.levels;
  assert.deepEqual(levels, [0, 5]);
  assert.throws(() => readScaleOptions(['--levels', '1,2']), /--levels needs one dimension alone/);
  assert.throws(() => readScaleOptions(['--dimensions', 'height']), /no dimension is called height/);
  assert.equal(readScaleOptions(['--help']), undefined);
});

/** Runs of one dimension: a figure of the gateway for each level and round. */
function recordsOf(dimension: string, levels: Readonly<Record<number, readonly number[]>>): Records {
  const records = new Records();
  for (const [level, ofRounds] of Object.entries(levels)) {
    for (const [round, gatewayUs] of ofRounds.entries()) {
      records.runs.push({
        ...{ dimension, level: Number(level), round, gatewayUs, brokerUs: 30, idleShare: 0.2 },
        ...{ messagesPerCall: 4, gatewayBytes: 100 * 2 ** 20 },
        figures: { seconds: 2, calls: 1000, errors: { http_503: 2 }, p50Ms: 3, p99Ms: 9 },
      });
    }
  }
  return records;
}
