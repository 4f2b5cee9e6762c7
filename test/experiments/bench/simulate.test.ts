import assert from 'node:assert/strict';
import { test } from 'node:test';
import { summarize } from '../../../experiments/bench/dispatch/metrics.ts';
import { type SimulatedRun, simulate } from '../../../experiments/bench/dispatch/simulate.ts';
import { Agenda } from '../../../experiments/bench/dispatch/simulate-agenda.ts';
import { makeTrace, type Trace } from '../../../experiments/bench/dispatch/trace.ts';
import { selectWorkloads } from '../../../experiments/bench/dispatch/workloads.ts';
import type { TraceCall } from '../../../experiments/harness/generator/trace.ts';

test('one call after the other on one worker', () => {
  const run = simulate(trace([at(0, 100), at(50, 100)]), 'fifo');
  assert.deepEqual(ends(run), ['0 ok 100', '1 ok 150']);
  assert.deepEqual(begins(run), [0, 100]);
});

test('a call that has expired is not begun, one that runs at its deadline runs on in vain', () => {
  const run = simulate(trace([at(0, 600), at(10, 100)]), 'fifo');
  assert.deepEqual(ends(run), ['0 gave_up 500', '1 gave_up 500']);
  assert.deepEqual(begins(run), [0]);
  assert.equal(run.work[0]?.endedAt, 600);
  assert.equal(summarize(run.calls, run.work).wasted, 1);
});

test('a policy that aborts frees the worker at the deadline', () => {
  const run = simulate(trace([at(0, 600), at(10, 5)]), 'alifo-abort');
  assert.deepEqual(ends(run), ['0 gave_up 500', '1 ok 495']);
  assert.equal(run.work[0]?.endedAt, 500);
});

test('adaptive LIFO is fair until the oldest has waited 0.6 of the budget', () => {
  assert.deepEqual(order(simulate(trace([at(0, 200), at(10, 10), at(20, 10)]), 'alifo')), [0, 1, 2]);
  assert.deepEqual(order(simulate(trace([at(0, 350), at(10, 10), at(20, 10)]), 'alifo')), [0, 2, 1]);
});

test('adaptive LIFO stays LIFO for one budget after an expiry in the queue', () => {
  // Call 1 expires at 501; at 700 both that wait are young, at 1300 the expiry is long past.
  const young = [at(0, 700), at(1, 1), at(650, 1), at(660, 1)];
  assert.deepEqual(order(simulate(trace(young), 'alifo')), [0, 3, 2]);
  const later = [at(0, 700), at(1, 1), at(900, 400), at(1250, 1), at(1260, 1)];
  assert.deepEqual(order(simulate(trace(later), 'alifo')), [0, 2, 3, 4]);
});

test('who knows all sizes starts the shortest that can finish in time, and nothing else', () => {
  const run = simulate(trace([at(0, 300), at(10, 300), at(20, 150), at(30, 40)]), 'omniscient');
  assert.deepEqual(order(run), [0, 3, 2]);
  assert.deepEqual(ends(run), ['0 ok 300', '1 gave_up 500', '2 ok 470', '3 ok 310']);
});

test('the fastest idle worker is preferred', () => {
  const workers = [
    { baseMs: 0, scale: 2 },
    { baseMs: 0, scale: 1 },
  ];
  const run = simulate({ ...trace([at(0, 100), at(10, 100), at(150, 100)]), workers }, 'fifo');
  assert.deepEqual(
    run.work.toSorted((a, b) => a.call - b.call).map(({ worker }) => worker),
    [1, 0, 1],
  );
});

test('a worker runs as many calls at a time as it has slots', () => {
  const run = simulate({ ...trace([at(0, 100), at(0, 100), at(0, 100)]), slots: 2 }, 'fifo');
  assert.deepEqual(begins(run), [0, 0, 100]);
});

test('a caller that leaves takes its call out of the queue', () => {
  const run = simulate(trace([at(0, 100), { ...at(10, 50), leavesAt: 60 }, at(20, 10)]), 'fifo');
  assert.deepEqual(ends(run), ['0 ok 100', '1 left 50', '2 ok 90']);
  assert.equal(run.work.length, 2);
});

test('a frozen worker goes on with its call when it thaws, and is given none before', () => {
  const calls = [at(0, 100), at(60, 10)];
  const incidents = [
    { kind: 'freeze', worker: 0, at: 50 },
    { kind: 'thaw', worker: 0, at: 250 },
  ] as const;
  assert.deepEqual(ends(simulate({ ...trace(calls), incidents }, 'fifo')), ['0 ok 300', '1 ok 250']);
});

test('a killed worker loses its call, and is given none', () => {
  const run = simulate(
    { ...trace([at(0, 100), at(60, 10)]), incidents: [{ kind: 'kill', worker: 0, at: 50 }] },
    'alifo',
  );
  assert.deepEqual(ends(run), ['0 worker_lost 50', '1 gave_up 500']);
});

test('calls of the lead-in are run but not counted', () => {
  const run = simulate({ ...trace([at(0, 100), at(50, 100)]), leadInMs: 20 }, 'fifo');
  const summary = summarize(run.calls, run.work);
  assert.equal(summary.offered, 1);
  assert.equal(summary.p50Ms, 150);
});

test('above saturation FIFO collapses and adaptive LIFO does not', () => {
  const [workload] = selectWorkloads(['W2@1.5']);
  assert.ok(workload);
  const overload = makeTrace(workload, 1, { leadInMs: 2000, timeScale: 1 });
  const goodput = (policy: 'alifo' | 'fifo' | 'omniscient') => {
    const { calls, work } = simulate(overload, policy);
    assert.equal(calls.length, overload.calls.length);
    return summarize(calls, work).goodput;
  };
  assert.ok(goodput('fifo') < 0.3);
  assert.ok(goodput('alifo') > 0.55 && goodput('alifo') < 0.75);
  assert.ok(goodput('omniscient') > 0.8);
});

test('an agenda is worked off in order of time, and of arrival at one time', () => {
  const agenda = new Agenda();
  const seen: number[] = [];
  const times = [5, 1, 4, 1, 3, 9, 2, 6, 5, 3, 5];
  for (const [i, time] of times.entries()) agenda.add(time, () => seen.push(i));
  for (let next = agenda.next(); next !== undefined; next = agenda.next()) next.run();
  const expected = [...times.keys()].sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
  assert.deepEqual(seen, expected);
});

let nextId = 0;

/** A call due at `at`; `trace` numbers them in order. */
function at(due: number, size: number): TraceCall {
  return { id: nextId++, at: due, size, gateway: 0 };
}

/** One worker of one slot and speed 1, deadline 500 ms. */
function trace(calls: readonly TraceCall[]): Trace {
  return {
    workload: 'test',
    seed: 1,
    deadlineMs: 500,
    leadInMs: 0,
    endMs: 10_000,
    workers: [{ baseMs: 0, scale: 1 }],
    slots: 1,
    gateways: 1,
    calls: calls.map((call, id) => ({ ...call, id })),
    incidents: [],
  };
}

function ends({ calls }: SimulatedRun): string[] {
  return calls
    .toSorted((a, b) => a.call - b.call)
    .map(({ call, code, afterMs }) => `${call} ${code} ${afterMs}`);
}

function begins({ work }: SimulatedRun): number[] {
  return work.map(({ beganAt }) => beganAt).sort((a, b) => a - b);
}

function order({ work }: SimulatedRun): number[] {
  return work.toSorted((a, b) => a.beganAt - b.beganAt).map(({ call }) => call);
}
