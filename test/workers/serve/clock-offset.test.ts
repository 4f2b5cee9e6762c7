import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockOffsets } from '../../../workers/serve/clock-offset.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

for (const aheadMs of [0, HOUR_MS, -HOUR_MS]) {
  test(`a sender whose clock is ${aheadMs} ms ahead looks like one in step`, () => {
    const offsets = new ClockOffsets();
    const age = (sentAt: number, receivedAt: number) =>
      offsets.ageMs('gw', sentAt + aheadMs, receivedAt, receivedAt);
    assert.equal(age(1000, 1001), 0);
    assert.equal(age(2000, 2001), 0);
    assert.equal(age(3000, 13_001), 10_000);
  });
}

test('a faster message makes all those after it look as much older', () => {
  const offsets = new ClockOffsets();
  offsets.observe('gw', 0, 300, 300);
  assert.equal(offsets.ageMs('gw', 1000, 1300, 1300), 0);
  offsets.observe('gw', 2000, 2001, 2001);
  assert.equal(offsets.ageMs('gw', 3000, 3300, 3300), 299);
});

test('each sender has its own offset', () => {
  const offsets = new ClockOffsets();
  offsets.observe('one', 0, 1, 1);
  offsets.observe('two', HOUR_MS, 1, 1);
  assert.equal(offsets.ageMs('one', 100, 111, 111), 10);
  assert.equal(offsets.ageMs('two', HOUR_MS + 100, 121, 121), 20);
});

test('the smallest difference of the last two minutes counts, also just after a new two minutes began', () => {
  const offsets = new ClockOffsets();
  offsets.observe('gw', 0, 0, 0);
  const at = 2 * MINUTE_MS + 1;
  assert.equal(offsets.ageMs('gw', at - 5000, at, at), 5000);
});

test('a clock that drifts away is followed after minutes', () => {
  const offsets = new ClockOffsets();
  offsets.observe('gw', 0, 0, 0);
  // The own clock gains a second: by then every message looks a second old, until the old minimum is forgotten.
  const drifted = (at: number) => offsets.ageMs('gw', at, at + 1000, at);
  assert.equal(drifted(1000), 1000);
  drifted(2 * MINUTE_MS + 1);
  assert.equal(drifted(4 * MINUTE_MS + 2), 0);
});
