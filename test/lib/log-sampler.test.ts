import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSampler } from '../../lib/log-sampler.ts';
import { FakeClock } from '../support/fake-clock.ts';

test('the first lines of a kind are let through, the next window says how many were left out', () => {
  const clock = new FakeClock();
  const sampler = new LogSampler(clock);
  const taken = Array.from({ length: 50 }, () => sampler.take('saturated'));
  assert.deepEqual(
    taken.filter((unlogged) => unlogged !== undefined),
    Array(20).fill(0),
  );
  assert.equal(sampler.take('draining'), 0, 'each kind by itself');
  clock.advanceSync(200);
  assert.equal(sampler.take('saturated'), 30);
  assert.equal(sampler.take('saturated'), 0);
});

test('what comes slowly is never left out', () => {
  const clock = new FakeClock();
  const sampler = new LogSampler(clock);
  for (let line = 0; line < 100; line++) {
    assert.equal(sampler.take('saturated'), 0);
    clock.advanceSync(15);
  }
});
