import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brokerUnavailable } from '../../../gateway/failures.ts';
import { toRefusalAnswer } from '../../../gateway/processes/messages.ts';
import { PoolReadiness } from '../../../gateway/processes/pool-readiness.ts';

const ready = { ask: async () => toRefusalAnswer(undefined) };
const unready = { ask: async () => toRefusalAnswer(brokerUnavailable()) };
const silent = { ask: async () => undefined };

test('it is ready while one process is', async () => {
  assert.equal(await new PoolReadiness(() => [unready, silent, ready]).refusal(), undefined);
});

test('the first ready process is enough, whatever another one takes to answer', async () => {
  const never = { ask: () => new Promise<unknown>(() => {}) };
  assert.equal(await new PoolReadiness(() => [never, ready]).refusal(), undefined);
});

test('without one it says why, as a process says it', async () => {
  const refusal = await new PoolReadiness(() => [unready, unready]).refusal();
  const { code, message, retryAfterS } = brokerUnavailable();
  assert.deepEqual([refusal?.code, refusal?.message, refusal?.retryAfterS], [code, message, retryAfterS]);
});

test('without any process, or an answer, it is not ready', async () => {
  for (const processes of [[], [silent]]) {
    const refusal = await new PoolReadiness(() => processes).refusal();
    assert.equal(refusal?.message, 'no process of this gateway answers');
  }
});

test('it is not ready from the drain on', async () => {
  const readiness = new PoolReadiness(() => [ready]);
  readiness.drain();
  assert.equal((await readiness.refusal())?.code, 'draining');
});
