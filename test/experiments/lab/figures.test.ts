import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LedgerEntry, type LedgerKind, runsOf } from '../../../experiments/harness/ledger.ts';
import { type AuditInput, audit, findFaults } from '../../../experiments/lab/audit.ts';
import { type SeenCall, sizeOf } from '../../../experiments/lab/calls.ts';
import {
  describeOutcomes,
  type Evidence,
  latencyOf,
  medianRefusalMs,
  outcomesOf,
  samplesOf,
  workerFigures,
} from '../../../experiments/lab/figures.ts';

const BUDGET_MS = 500;

function call(n: number, more: Partial<SeenCall> = {}): SeenCall {
  return {
    n,
    url: 'http://a',
    dueAt: 1000 + n * 10,
    tookMs: 100,
    lateMs: 0,
    status: 200,
    code: 'ok',
    ...more,
  };
}

function no(n: number, more: Partial<SeenCall> = {}): SeenCall {
  return call(n, { status: 503, code: 'saturated', started: 'no', ...more });
}

/** Entries of one worker: `received 1 at 1000`. */
function ledgerOf(worker: string, ...lines: string[]): LedgerEntry[] {
  return lines.map((line) => {
    const [kind, n, , at] = line.split(' ');
    return { kind: kind as LedgerKind, worker, call: Number(n), at: Number(at) };
  });
}

function evidence(more: Partial<Evidence>): Evidence {
  const ledger = more.ledger ?? [];
  return {
    calls: [],
    ledger,
    runs: runsOf(ledger, 3000, more.killed),
    workers: ['w1'],
    refused: new Map(),
    killed: new Map(),
    ...more,
  };
}

/** Three good calls that ran once each. */
function honest(): AuditInput {
  const ledger = [10, 11, 12].flatMap((n) =>
    ledgerOf('w1', `began ${n} at ${1000 + n * 10 + 5}`, `ended ${n} at ${1000 + n * 10 + 60}`),
  );
  return {
    calls: [call(10), call(11), call(12), no(13)],
    runs: runsOf(ledger, 3000),
    groups: new Map([
      ['w1', 'workers'],
      ['w2', 'workers'],
      ['other', 'b'],
    ]),
    budgetMs: BUDGET_MS,
    offered: 4,
  };
}

test('an honest run has no contradiction', () => {
  assert.deepEqual(findFaults(honest()), []);
  assert.equal(audit('ours', honest()).ok, true);
});

test('a call that ran in each of two groups did not run twice', () => {
  const input = honest();
  const other = runsOf(ledgerOf('other', 'began 10 at 1101', 'ended 10 at 1190'), 3000);
  assert.deepEqual(findFaults({ ...input, runs: [...input.runs, ...other] }), []);
});

const again = runsOf(ledgerOf('w2', 'began 10 at 1110', 'ended 10 at 1200'), 3000);
const refusedRun = runsOf(ledgerOf('w1', 'began 13 at 1140', 'ended 13 at 1200'), 3000);
const lateRun = runsOf(ledgerOf('w1', 'began 14 at 1900', 'ended 14 at 1950'), 3000);
const lateCall = call(14, { status: 504, code: 'deadline_exceeded', started: 'unknown', tookMs: 500 });

const mistakes: readonly [what: string, spoil: (input: AuditInput) => Partial<AuditInput>, says: RegExp][] = [
  ['a call that ran twice', ({ runs }) => ({ runs: [...runs, ...again] }), /call 10 ran again at w2/],
  [
    'a "did not start" that ran',
    ({ runs }) => ({ runs: [...runs, ...refusedRun] }),
    /call 13 ran, and was told saturated/,
  ],
  [
    'a result without a run',
    ({ runs }) => ({ runs: runs.slice(1) }),
    /call 10 has a result, and did not run/,
  ],
  ['a call without an answer', () => ({ offered: 5 }), /1 calls have no answer/],
  ['a call with two answers', ({ calls }) => ({ calls: [...calls, call(10)] }), /1 calls have two answers/],
  [
    'an answer that comes too late',
    ({ calls }) => ({ calls: [...calls.slice(0, 3), no(13, { tookMs: 900 })] }),
    /call 13 was answered after 900 ms, saturated/,
  ],
  [
    'a run after its deadline',
    ({ calls, runs }) => ({ calls: [...calls, lateCall], runs: [...runs, ...lateRun], offered: 5 }),
    /call 14 began at w1 260 ms after its deadline/,
  ],
];

for (const [what, spoil, says] of mistakes) {
  test(`the audit finds ${what}`, () => {
    const input = { ...honest(), ...spoil(honest()) };
    assert.deepEqual(
      findFaults(input).map((fault) => says.test(fault)),
      [true],
    );
    assert.equal(audit('ours', input).ok, false);
    assert.match(audit('ours', input).got, says);
  });
}

test('lateness of the caller itself is not held against an answer', () => {
  const input = honest();
  const calls = [...input.calls.slice(0, 3), no(13, { tookMs: 900, lateMs: 300 })];
  assert.deepEqual(findFaults({ ...input, calls }), []);
});

test('work counts as wasted when its caller had no result, and in the group whose answer came later', () => {
  const ledger = [
    ...ledgerOf('a', 'received 1 at 100', 'began 1 at 100', 'ended 1 at 150'),
    ...ledgerOf('b', 'received 1 at 100', 'began 1 at 100', 'ended 1 at 190'),
    ...ledgerOf('b', 'received 2 at 200', 'began 2 at 200', 'stopped 2 at 230', 'received 3 at 210'),
  ];
  const calls = [call(1), call(2, { status: 504, code: 'deadline_exceeded', started: 'unknown' })];
  const figures = workerFigures(
    evidence({ ledger, calls, workers: ['a', 'b', 'idle'], refused: new Map([['idle', 2]]) }),
  );
  assert.deepEqual(figures, [
    { name: 'a', received: 1, answered: 1, wasted: 0, workMs: 50, wastedMs: 0 },
    { name: 'b', received: 3, answered: 0, wasted: 2, workMs: 120, wastedMs: 120 },
    { name: 'idle', received: 2, answered: 0, wasted: 0, workMs: 0, wastedMs: 0 },
  ]);
});

test('samples count what waits, is in a buffer and runs at each moment', () => {
  const ledger = ledgerOf(
    'w1',
    'received 1 at 1000',
    'began 1 at 1000',
    'received 2 at 1100',
    'ended 1 at 1600',
    'began 2 at 1600',
    'received 3 at 1700',
    'received 4 at 1700',
    'dropped 4 at 1800',
  );
  const calls = [call(1, { dueAt: 1000, tookMs: 610 }), call(2, { dueAt: 1090, lateMs: 20, tookMs: 1110 })];
  const samples = samplesOf(evidence({ ledger, calls }), 1000, 2200);
  const at = (ms: number) => samples.find(({ atMs }) => Math.abs(atMs - ms) < 1e-9);
  assert.deepEqual(at(0), { atMs: 0, waiting: 1, buffered: 0, running: 1 });
  assert.deepEqual(at(500), { atMs: 500, waiting: 2, buffered: 1, running: 1 });
  assert.deepEqual(at(750), { atMs: 750, waiting: 1, buffered: 2, running: 1 });
  assert.deepEqual(at(1200), { atMs: 1200, waiting: 0, buffered: 1, running: 1 });
});

test('what was in the buffer of a killed worker is in no buffer any more', () => {
  const ledger = ledgerOf('w1', 'received 1 at 1000');
  const samples = samplesOf(evidence({ ledger, killed: new Map([['w1', 1500]]) }), 1000, 2200);
  assert.equal(samples.find(({ atMs }) => atMs === 480)?.buffered, 1);
  assert.equal(samples.at(-1)?.buffered, 0);
});

test('outcomes are counted by what callers were told, and times leave out connections that ended', () => {
  const calls = [
    call(1),
    no(2, { tookMs: 40 }),
    no(3, { tookMs: 60 }),
    no(4, { tookMs: 80 }),
    call(5, { status: 0, code: 'ECONNRESET', tookMs: 9999 }),
  ];
  assert.deepEqual(outcomesOf(calls)[0], { status: 503, code: 'saturated', started: 'no', count: 3 });
  assert.equal(describeOutcomes(calls), '3 saturated (started: no), 1 ok, 1 ECONNRESET');
  assert.deepEqual(latencyOf(calls), { p50: 60, p90: 100, p99: 100, max: 100 });
  assert.equal(medianRefusalMs(calls), 60);
  assert.equal(latencyOf([]), undefined);
  assert.equal(describeOutcomes([]), 'none');
});

test('the size of a call depends on the call alone, and sizes are spread evenly', () => {
  const sizes = Array.from({ length: 1000 }, (_, n) => sizeOf(n));
  assert.equal(sizeOf(17), sizes[17]);
  assert.ok(sizes.every((size) => size >= 0 && size < 1));
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
  assert.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`);
});
