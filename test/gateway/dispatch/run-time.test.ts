import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunTime } from '../../../gateway/dispatch/run-time.ts';

function after(runs: readonly number[]): number {
  const runTime = new RunTime();
  for (const ms of runs) runTime.add(ms);
  return runTime.neededMs;
}

test('runs that take about the same time show what the next one needs', () => {
  const neededMs = after(Array.from({ length: 60 }, (_, n) => 200 + (n % 5) * 10));
  assert.ok(neededMs > 230 && neededMs < 260, `${neededMs} ms`);
});

test('runs that differ much, or of which few were seen, show nothing', () => {
  assert.equal(after(Array.from({ length: 60 }, (_, n) => (n % 2 === 0 ? 50 : 500))), 0);
  assert.equal(after(Array.from({ length: 15 }, () => 200)), 0);
  assert.equal(after([]), 0);
});

test('a function that becomes quicker is soon expected to be', () => {
  const runs = [...Array.from({ length: 50 }, () => 2000), ...Array.from({ length: 100 }, () => 50)];
  assert.ok(after(runs) < 100, `${after(runs)} ms`);
});
