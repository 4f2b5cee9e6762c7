import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateMeter } from '../../observe/rate-meter.ts';

const NOTHING = { done: 0, errors: 0, busy: 0, expired: 0, cancelled: 0 };

test('a rate is the growth between the last two counts, per second', () => {
  const meter = new RateMeter();
  assert.equal(meter.rates, undefined);
  meter.add(1000, { ...NOTHING, done: 7 });
  assert.equal(meter.rates, undefined);
  meter.add(1500, { ...NOTHING, done: 10, busy: 1 });
  assert.deepEqual(meter.rates, { ...NOTHING, done: 6, busy: 2 });
  meter.add(3500, { ...NOTHING, done: 10, busy: 1, errors: 1 });
  assert.deepEqual(meter.rates, { ...NOTHING, errors: 0.5 });
});

test('counts that are not told any more are stale', () => {
  const meter = new RateMeter();
  assert.equal(meter.isStale(9000), false);
  meter.add(1000, NOTHING);
  assert.equal(meter.isStale(6000), false);
  assert.equal(meter.isStale(6001), true);
});
