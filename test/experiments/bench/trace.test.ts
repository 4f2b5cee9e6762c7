import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTrace, type Trace } from '../../../experiments/bench/dispatch/trace.ts';
import {
  capacityPerSecond,
  isShort,
  selectWorkloads,
  type Workload,
  workloads,
} from '../../../experiments/bench/dispatch/workloads.ts';
import { drawSize, meanSize, type SizeDistribution } from '../../../experiments/harness/random.ts';
import { sum } from '../../../experiments/harness/statistics.ts';
import { randomStream } from '../../../lib/random-stream.ts';

const options = { leadInMs: 2000, timeScale: 1 };

test('the same seed makes the same trace, another seed another', () => {
  const workload = theWorkload('W2@1.5');
  assert.deepEqual(makeTrace(workload, 7, options), makeTrace(workload, 7, options));
  assert.notDeepEqual(makeTrace(workload, 7, options).calls, makeTrace(workload, 8, options).calls);
});

test('a longer run begins with the calls of a shorter one', () => {
  const workload = theWorkload('W8');
  const short = makeTrace(workload, 1, { ...options, seconds: 5 });
  const long = makeTrace(workload, 1, { ...options, seconds: 20 });
  assert.deepEqual(long.calls.slice(0, short.calls.length), short.calls);
});

test('offered work over capacity is the load that the workload names', () => {
  for (const workload of workloads.filter(({ id }) => /^(W2|W3|W7)@/.test(id))) {
    const trace = makeTrace(workload, 1, { ...options, seconds: 3000 });
    const capacity = capacityPerSecond(workload.workers, workload.slots, workload.size);
    const rate = (1000 * trace.calls.length) / trace.endMs;
    const meanMs = sum(trace.calls.map(({ size }) => size)) / trace.calls.length;
    const load = (rate / capacity) * (meanMs / meanSize(workload.size));
    assert.ok(Math.abs(load / (workload.load ?? 0) - 1) < 0.03, `${workload.id}: ${load}`);
  }
});

test('every workload offers at least a thousand calls and thirty seconds', () => {
  for (const workload of workloads.filter((other) => !isShort(other))) {
    for (const seed of [1, 2, 3]) {
      const trace = makeTrace(workload, seed, options);
      const measured = trace.calls.filter(({ at }) => at >= trace.leadInMs);
      assert.ok(measured.length >= 1000, `${workload.id} seed ${seed}: ${measured.length} calls`);
      assert.ok(trace.endMs - trace.leadInMs >= 30_000, workload.id);
    }
  }
});

test('arrivals are in order, inside the run, and their gaps scatter as Poisson arrivals do', () => {
  const { calls, endMs } = makeTrace(theWorkload('W2@3'), 2, { ...options, seconds: 300 });
  const gaps = calls.map(({ at }, i) => at - (calls[i - 1]?.at ?? 0));
  assert.ok(gaps.every((gap) => gap >= 0));
  assert.ok((calls.at(-1)?.at ?? 0) < endMs);
  const mean = sum(gaps) / gaps.length;
  const variance = sum(gaps.map((gap) => (gap - mean) ** 2)) / gaps.length;
  assert.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.05);
});

test('three callers in ten leave, all before their deadline', () => {
  const { calls, deadlineMs } = makeTrace(theWorkload('W8'), 3, { ...options, seconds: 300 });
  const leavers = calls.flatMap(({ at, leavesAt }) => (leavesAt === undefined ? [] : [leavesAt - at]));
  assert.ok(Math.abs(leavers.length / calls.length - 0.3) < 0.02);
  assert.ok(leavers.every((after) => after >= 0 && after < deadlineMs));
  assert.ok(Math.abs(sum(leavers) / leavers.length - deadlineMs / 2) < 10);
});

test('calls are spread evenly over the gateways', () => {
  const { calls } = makeTrace(theWorkload('W7@0.8x4'), 1, { ...options, seconds: 300 });
  for (const gateway of [0, 1, 2, 3]) {
    const share = calls.filter((call) => call.gateway === gateway).length / calls.length;
    assert.ok(Math.abs(share - 0.25) < 0.02, `gateway ${gateway}: ${share}`);
  }
});

test('a time scale multiplies every time', () => {
  const workload = theWorkload('W4');
  const [normal, double] = [
    makeTrace(workload, 1, options),
    makeTrace(workload, 1, { ...options, timeScale: 2 }),
  ];
  const times = (trace: Trace) => [
    trace.deadlineMs,
    trace.leadInMs,
    trace.endMs,
    ...trace.calls.flatMap(({ at, size }) => [at, size]),
    ...trace.incidents.map(({ at }) => at),
  ];
  assert.deepEqual(
    times(double),
    times(normal).map((ms) => 2 * ms),
  );
});

test('a selector names a workload or all that begin with it', () => {
  const ids = (...selectors: string[]) => selectWorkloads(selectors).map(({ id }) => id);
  assert.deepEqual(ids('W2@0.8'), ['W2@0.8']);
  assert.deepEqual(ids('W7@1.5', 'W1'), ['W1', 'W7@1.5x2', 'W7@1.5x4']);
  assert.equal(ids('short').length, 6);
  assert.throws(() => ids('W9'), /no workload is called W9; there are W1 /);
});

test('sizes have the mean that their distribution promises', () => {
  const sizes: SizeDistribution[] = [
    { kind: 'constant', ms: 5 },
    { kind: 'uniform', fromMs: 200, toMs: 240 },
    { kind: 'exponential', meanMs: 100 },
    { kind: 'pareto', shape: 1.5, fromMs: 10, toMs: 1000 },
  ];
  for (const size of sizes) {
    const random = randomStream(1, size.kind);
    const drawn = Array.from({ length: 200_000 }, () => drawSize(size, random));
    const mean = sum(drawn) / drawn.length;
    assert.ok(Math.abs(mean / meanSize(size) - 1) < 0.02, `${size.kind}: ${mean}`);
  }
});

test('a bounded Pareto stays inside its bounds', () => {
  const random = randomStream(1, 'bounds');
  for (let i = 0; i < 10_000; i++) {
    const ms = drawSize({ kind: 'pareto', shape: 1.5, fromMs: 10, toMs: 1000 }, random);
    assert.ok(ms >= 10 && ms <= 1000);
  }
});

function theWorkload(id: string): Workload {
  const [workload] = selectWorkloads([id]);
  assert.ok(workload);
  return workload;
}
