import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withTimeout } from '../../lib/with-timeout.ts';

const never = new Promise<never>(() => {});

/** Timers that would keep this process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}

test('work in time is what counts, and its timer is gone', async () => {
  const before = timers();
  assert.equal(await withTimeout(Promise.resolve('done'), 60_000, () => 'late'), 'done');
  assert.equal(await withTimeout('at once', 60_000, () => 'late'), 'at once');
  assert.equal(await withTimeout(Promise.resolve(undefined), 60_000, () => 'late'), undefined);
  assert.equal(timers(), before);
});

test('work that is late is what onTimeout says, which may throw', async () => {
  assert.equal(await withTimeout(never, 1, () => 'late'), 'late');
  const onTimeout = (): never => {
    throw new Error('took too long');
  };
  await assert.rejects(withTimeout(never, 1, onTimeout), /took too long/);
});

test('work that fails rejects, and its timer is gone', async () => {
  const before = timers();
  await assert.rejects(
    withTimeout(Promise.reject(new Error('failed')), 60_000, () => 'late'),
    /failed/,
  );
  assert.equal(timers(), before);
});
