import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LoadSummary } from '../../load/load.ts';
import { progressText, Rate } from '../../load/progress-text.ts';
import { Schedule } from '../../load/schedule.ts';
import { summaryText, warnings } from '../../load/summary-text.ts';
import { Tally } from '../../load/tally.ts';

const CALL = { url: 'http://a', status: 200, code: 'ok', tookMs: 1, lateMs: 0 };

test('Poisson calls come at the rate of all clients together, in order, and at random', () => {
  const schedule = new Schedule({ kind: 'poisson', perSecond: 100 }, 7, 1);
  const arrivals = Array.from({ length: 20_000 }, () => schedule.take());
  const gapsMs = arrivals.map(({ dueMs }, i) => dueMs - (arrivals[i - 1]?.dueMs ?? 0));
  const meanMs = gapsMs.reduce((sum, gap) => sum + gap) / gapsMs.length;
  assert.ok(Math.min(...gapsMs) >= 0);
  assert.ok(Math.abs(meanMs - 10) < 0.3, `${meanMs}`);
  // Of exponential gaps 1/e are longer than the mean; of even ones none, of uniform ones half.
  const long = gapsMs.filter((gap) => gap > 10).length / gapsMs.length;
  assert.ok(Math.abs(long - Math.exp(-1)) < 0.02, `${long}`);
  for (let client = 1; client <= 7; client++) {
    const own = arrivals.filter((arrival) => arrival.client === client).length;
    assert.ok(Math.abs(own * 7 - 20_000) < 1500, `client ${client} has ${own}`);
  }
});

test('uniform calls of each client are 0 to the most apart', () => {
  const schedule = new Schedule({ kind: 'uniform', maxMs: 1500 }, 3, 1);
  const arrivals = Array.from({ length: 9000 }, () => schedule.take()).filter(({ client }) => client === 2);
  const gapsMs = arrivals.slice(1).map(({ dueMs }, i) => dueMs - (arrivals[i]?.dueMs ?? 0));
  const meanMs = gapsMs.reduce((sum, gap) => sum + gap) / gapsMs.length;
  assert.ok(Math.min(...gapsMs) >= 0 && Math.max(...gapsMs) <= 1500);
  assert.ok(Math.abs(meanMs - 750) < 30, `${meanMs}`);
});

test('percentiles are of what was seen, to three digits; results and failures apart', () => {
  const tally = new Tally(['http://a', 'http://b'], 500);
  for (let i = 1; i <= 1000; i++) {
    tally.add({ ...CALL, url: i % 4 === 0 ? 'http://b' : 'http://a', tookMs: i, lateMs: 2 });
  }
  tally.add({ ...CALL, status: 504, code: 'deadline_exceeded', started: 'unknown', tookMs: 71_234.567 });
  const { results, inTime, latencyMs, lateMs, outcomes, urls } = tally.figures();
  assert.deepEqual([results, inTime], [1000, 500]);
  const expected = { p50: 500, p90: 900, p99: 990, p999: 999, max: 1000 } as const;
  for (const key of ['p50', 'p90', 'p99', 'p999', 'max'] as const) {
    const got = latencyMs.results?.[key] ?? 0;
    assert.ok(Math.abs(got / expected[key] - 1) < 0.001, `${key} is ${got}`);
  }
  assert.equal(latencyMs.failures?.max, 71_234.567);
  assert.equal(lateMs?.max, 2);
  assert.deepEqual(outcomes, [
    { status: 200, code: 'ok', count: 1000, share: 1000 / 1001 },
    { status: 504, code: 'deadline_exceeded', started: 'unknown', count: 1, share: 1 / 1001 },
  ]);
  assert.deepEqual(
    urls.map(({ url, calls, results: ofUrl }) => [url, calls, ofUrl]),
    [
      ['http://a', 751, 750],
      ['http://b', 250, 250],
    ],
  );
});

test('a duration of hours is still measured', () => {
  const tally = new Tally([]);
  tally.add({ ...CALL, tookMs: 7_201_000 });
  assert.equal(tally.figures().latencyMs.results?.max, 7_201_000);
});

test('a server that makes up codes does not fill the memory, and no call is left out', () => {
  const tally = new Tally([]);
  for (let i = 0; i < 5000; i++) tally.add({ ...CALL, status: 500, code: `code_${i}` });
  const { outcomes } = tally.figures();
  assert.ok(outcomes.length <= 201);
  assert.equal(outcomes[0]?.code, 'other');
  assert.equal(
    outcomes.reduce((sum, { count }) => sum + count, 0),
    5000,
  );
});

test('a rate is that of the window alone', () => {
  const rate = new Rate(2000);
  assert.equal(rate.perSecond(0, 0), 0);
  assert.equal(rate.perSecond(1000, 10), 10);
  assert.equal(rate.perSecond(2000, 20), 10);
  assert.equal(rate.perSecond(3000, 20), 5);
  assert.equal(rate.perSecond(4000, 20), 0);
});

test('progress is one line', () => {
  const progress = {
    elapsedMs: 12_340,
    leftMs: 17_660,
    sent: 246,
    inFlight: 41,
    paused: 3,
    results: 193,
    latencyMs: { p50: 2211.4, p99: 4100 },
    failures: [
      { code: 'saturated', count: 9 },
      { code: 'ECONNRESET', count: 3 },
    ],
  };
  assert.equal(
    progressText(progress, 19.84),
    '12.3 s, 17.7 s left  sent 246  in flight 41  ok/s 19.8  p50 2211 ms  p99 4100 ms  paused 3  saturated 9  ECONNRESET 3',
  );
  const { latencyMs: _, ...early } = { ...progress, leftMs: 0, paused: 0, failures: [] };
  assert.equal(progressText(early, 0), '12.3 s, waits for answers  sent 246  in flight 41  ok/s 0.0');
});

const SUMMARY: LoadSummary = {
  seed: 42,
  clients: 4,
  budgetMs: 5000,
  sendingMs: 30_000,
  tookMs: 32_500,
  offered: 600,
  sent: 600,
  paused: 25,
  pauses: 2,
  results: 590,
  inTime: 588,
  notSent: 0,
  goodput: { perSecond: 19.6, share: 0.98 },
  outcomes: [
    { status: 200, code: 'ok', count: 590, share: 590 / 600 },
    { status: 503, code: 'saturated', started: 'no', count: 9, share: 9 / 600 },
    { status: 0, code: 'ECONNRESET', count: 1, share: 1 / 600 },
  ],
  latencyMs: {
    results: { p50: 2211.4, p90: 2388, p99: 4100, p999: 5010, max: 5010 },
    failures: { p50: 3.25, p90: 12, p99: 99.96, p999: 99.96, max: 99.96 },
  },
  lateMs: { p50: 0.5, p90: 1, p99: 1.26, p999: 3, max: 3.4 },
  urls: [
    {
      url: 'http://a:1/functions/job',
      calls: 300,
      results: 300,
      latencyMs: { p50: 1, p90: 2, p99: 3, p999: 4, max: 5 },
    },
    { url: 'http://b:1/functions/job', calls: 300, results: 0 },
  ],
};

test('the summary for people says everything', () => {
  assert.equal(
    summaryText(SUMMARY),
    `600 calls by 4 clients in 30.0 s (20.0/s), the last answer after 32.5 s
goodput 19.6/s: 588 results within 5000 ms, 98.0 % of what was offered
2 results came too late
2 pauses; 25 calls due in them not sent

status  code        started  calls   share
200     ok                     590  98.3 %
503     saturated   no           9   1.5 %
0       ECONNRESET               1   0.2 %

ms         p50   p90   p99  p99.9   max
results   2211  2388  4100   5010  5010
failures   3.3  12.0   100    100   100

address                   calls  results  p50 ms  p99 ms
http://a:1/functions/job    300      300     1.0     3.0
http://b:1/functions/job    300        0       -       -

calls were sent 1.3 ms late (p99), 3.4 at most; seed 42
`,
  );
  assert.deepEqual(warnings(SUMMARY), []);
});
