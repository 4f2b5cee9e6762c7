import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from '../../../../experiments/bench/throughput/goals.ts';
import {
  type Cell,
  figures,
  Records,
  type RunRecord,
} from '../../../../experiments/bench/throughput/records.ts';
import { processorChart } from '../../../../experiments/bench/throughput/report/chart.ts';
import { reportMarkdown } from '../../../../experiments/bench/throughput/report/markdown.ts';
import { systems } from '../../../../experiments/bench/throughput/systems/all.ts';

const MANY: Cell = { connections: 64, bodyBytes: 256 };

test('a ratio compares runs of the same round, and its median judges', () => {
  const records = recordsOf({ floor: [10, 20, 40], ours: [20, 30, 100] });
  // 2, 1.5 and 2.5: dividing the medians would say 1.5.
  assert.deepEqual(records.ratio(MANY, 'ours', 'floor', figures.gateway), { median: 2, min: 1.5, max: 2.5 });
  const judged = judge(records).map(({ what, got, passed }) => [what, got, passed]);
  assert.deepEqual(judged.slice(0, 1), [['gateway CPU / floor, 64 connections', 2, false]]);
});

test('what was not measured is not judged, and a cell that was not run has no figures', () => {
  assert.deepEqual(judge(new Records()), []);
  const records = recordsOf({ ours: [20] });
  assert.equal(records.spread({ ...MANY, connections: 1 }, 'ours', figures.gateway), undefined);
  assert.equal(records.ratio(MANY, 'ours', 'floor', figures.gateway), undefined);
});

test('the report has a row for each system, marks errors, and says who is left out', () => {
  const records = recordsOf({ floor: [10, 12, 14], ours: [20] }, { http_503: 2 });
  records.missing.set('nginx', 'nginx is not installed: apt-get install nginx');
  const page = reportMarkdown({
    origin: {
      ...{ command: 'npm run bench:throughput -- --quick', date: '2026-01-02', commit: 'abc' },
      machine: { processor: 'P', cores: 2, memoryGiB: 4, system: 'S' },
      versions: { node: '20' },
    },
    options: { systems, connections: [64], bodies: [256], rounds: 3, seconds: 1 },
    records,
    goals: judge(records),
    extras: {
      held: {
        floor: { gateway: 10_240, worker: undefined },
        running: { gateway: 20_480, worker: 5120 },
        parked: { gateway: 15_360, worker: undefined },
      },
      starts: {
        gateway: { wallMs: 500.4, processorMs: 600 },
        worker: { wallMs: 700, processorMs: 800 },
        dev: { wallMs: 900, processorMs: 1000 },
      },
    },
  });
  assert.match(page, /^```sh\nnpm run bench:throughput -- --quick\n```/);
  assert.match(
    page,
    /\| floor: `node:http`, NATS client, own mux \| 12 \(10–14\) \| 6 \(5–7\) \|.*\| \*\*6\*\* \|/,
  );
  assert.match(page, /\| \*\*now-or-never\*\* \| 20 \| 10 \|.*\| 1000 \|/);
  assert.match(page, /\| running \| 20.0 \| 5.0 \|/);
  assert.match(page, /\| `gateway` \| 500 \| 600 \|/);
  assert.match(page, /nginx is left out: nginx is not installed/);
  assert.doesNotMatch(page, /Moleculer.*\| \d/i);
});

test('the chart stacks the processor time of each process', () => {
  const chart = processorChart(MANY, systems, recordsOf({ floor: [10], ours: [20] })) ?? '';
  assert.match(chart, /now-or-never<\/text>/);
  assert.match(chart, /gateway: 20 µs/);
  assert.match(chart, /30 µs, 1000\/s/);
  assert.equal(processorChart({ ...MANY, connections: 1 }, systems, new Records()), undefined);
});

/** A run of each system for each of its gateway's figures; its worker takes half of that. */
function recordsOf(
  gateways: Readonly<Record<string, readonly number[]>>,
  errors: Record<string, number> = {},
): Records {
  const records = new Records();
  for (const [system, ofRounds] of Object.entries(gateways)) {
    for (const [round, gateway] of ofRounds.entries()) records.runs.push(run(system, round, gateway, errors));
  }
  return records;
}

function run(system: string, round: number, gateway: number, errors: Record<string, number>): RunRecord {
  return {
    ...{ ...MANY, system, round, messagesPerCall: 4, foreignShare: 0.1 },
    figures: { seconds: 2, calls: 2000, errors, p50Ms: 1, p99Ms: 2 },
    processorUs: { gateway, worker: gateway / 2 },
  };
}
