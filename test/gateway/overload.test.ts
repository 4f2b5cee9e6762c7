import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Overload } from '../../gateway/overload.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** An event loop of which each turn takes `turnMs`, for `ms`. */
function run(clock: FakeClock, turnMs: number, ms: number): void {
  for (let spent = 0; spent < ms; spent += turnMs) {
    clock.freeze(turnMs);
    clock.advanceSync(0.01);
  }
}

function setUp(random = 0.5) {
  const clock = new FakeClock();
  const overload = new Overload(clock, () => random);
  overload.start();
  return { clock, overload };
}

test('while the event loop is late the share of refused calls rises, and nearly to all', () => {
  const { clock, overload } = setUp();
  run(clock, 100, 300);
  const first = overload.refusedShare;
  assert.ok(first > 0.1 && first < 0.5, `${first}`);
  run(clock, 100, 10_000);
  assert.ok(overload.refusedShare > 0.95 && overload.refusedShare < 1, `${overload.refusedShare}`);
  overload.stop();
});

test('when the loop is in time again everything is taken within five seconds', () => {
  const { clock, overload } = setUp();
  run(clock, 100, 10_000);
  clock.advanceSync(5000);
  assert.equal(overload.refusedShare, 0);
  assert.equal(overload.refuses(1000), false);
  overload.stop();
});

test('a pause now and then is no overload', () => {
  const { clock, overload } = setUp();
  for (let pause = 0; pause < 50; pause++) {
    clock.freeze(150);
    clock.advanceSync(250);
  }
  assert.ok(overload.refusedShare < 0.2, `${overload.refusedShare}`);
  overload.stop();
});

test('with few calls under way nothing is refused, however late the loop is', () => {
  const { clock, overload } = setUp(0);
  run(clock, 200, 5000);
  assert.equal(overload.refuses(63), false);
  assert.equal(overload.refuses(64), true);
  overload.stop();
});

test('what is read right after a stop may have waited for as long as the stop was, what is read later has not', async () => {
  const { clock, overload } = setUp();
  assert.equal(overload.latenessMs, 0);
  clock.freeze(3000);
  assert.ok(overload.latenessMs > 2900, `${overload.latenessMs} before the timers`);
  clock.advanceSync(0.01);
  assert.ok(overload.latenessMs > 2900, `${overload.latenessMs} after the timers`);
  await nextTurn();
  assert.equal(overload.latenessMs, 0);
  overload.stop();
});
