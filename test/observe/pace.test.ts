import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from '../../observe/pace.ts';

const NOTHING = { done: 0, errors: 0, busy: 0, expired: 0, cancelled: 0 };

test('a rate is the growth between the last two counts, per second', () => {
  const pace = new Pace();
  assert.equal(pace.rates, undefined);
  pace.add(1000, { ...NOTHING, done: 7 });
  assert.equal(pace.rates, undefined);
  pace.add(1500, { ...NOTHING, done: 10, busy: 1 });
  assert.deepEqual(pace.rates, { ...NOTHING, done: 6, busy: 2 });
  pace.add(3500, { ...NOTHING, done: 10, busy: 1, errors: 1 });
  assert.deepEqual(pace.rates, { ...NOTHING, errors: 0.5 });
});

test('counts that are not told any more are stale', () => {
  const pace = new Pace();
  assert.equal(pace.isStale(9000), false);
  pace.add(1000, NOTHING);
  assert.equal(pace.isStale(6000), false);
  assert.equal(pace.isStale(6001), true);
});
