import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from '../../../experiments/harness/clock.mjs';
import { metricOf } from '../../../experiments/lab/metrics.ts';
import { Stalls } from '../../../experiments/lab/stalls.ts';

test('a time in which this process could not run is noted, and counted where it overlaps', async () => {
  const stalls = new Stalls();
  stalls.start();
  await pause(30);
  const from = sharedNow();
  while (sharedNow() - from < 120);
  const to = sharedNow();
  await pause(30);
  stalls.stop();
  assert.ok(stalls.longestMs > 100, `${stalls.longestMs} ms`);
  assert.ok(stalls.during(from, to) > 100);
  const halfMs = stalls.during(from, from + 60);
  assert.ok(halfMs > 40 && halfMs <= 60, `${halfMs} ms`);
  assert.equal(stalls.during(from - 1000, from - 900), 0);
});

test('a metric is the sum of its samples, and of no other metric whose name begins like it', () => {
  const text = [
    '# HELP calls Calls.',
    '# TYPE calls gauge',
    'calls{function="a",group="x y"} 2',
    'calls{function="b",group="z"} 3.5',
    'calls_total 100',
    'connected 1',
  ].join('\n');
  assert.equal(metricOf(text, 'calls'), 5.5);
  assert.equal(metricOf(text, 'connected'), 1);
  assert.equal(metricOf(text, 'nothing'), 0);
});
