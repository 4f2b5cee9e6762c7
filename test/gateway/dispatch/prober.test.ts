import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeJson } from '../../../protocol/json.ts';
import { type TestGateway, type TestWorker, withGateway } from './harness.ts';

test('a killed worker is found out within about a second, and what it held is lost, not repeated', () =>
  withGateway(async (gateway) => {
    const killed = await gateway.worker('w1', { serviceMs: 10 });
    const other = await gateway.worker('w2');
    const call = gateway.submit({ budgetMs: 5000 });
    await gateway.clock.advance(1);
    assert.equal(killed.calls.length, 1);
    killed.kill();
    await gateway.clock.advance(1600);
    assert.equal(call.error().code, 'worker_lost');
    assert.equal(call.error().started, 'unknown');
    assert.ok(call.endedAfterMs() < 1500, `after ${call.endedAfterMs()} ms`);
    assert.equal(other.calls.length, 0);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a frozen worker gets nothing more, and its calls run to their deadline', () =>
  withGateway(async (gateway) => {
    const frozen = await gateway.worker('w1', { serviceMs: 10 });
    const call = gateway.submit({ budgetMs: 3000 });
    await gateway.clock.advance(1);
    frozen.freeze();
    const worker = (await gateway.worker('w2')).always((message) => worker.answer(message));
    await gateway.clock.advance(2500);
    assert.equal(call.outcomes.length, 0);
    const before = gateway.published('now.work.w1.').filter(({ data }) => data.length > 0).length;
    const next = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(next.text(), 'CALL 1');
    assert.equal(gateway.published('now.work.w1.').filter(({ data }) => data.length > 0).length, before);
    await gateway.clock.advance(600);
    assert.deepEqual([call.error().code, call.error().started], ['deadline_exceeded', 'unknown']);
  }));

/** A worker that holds a call and does not react to the probe that was just sent to it. */
async function probedInVain(gateway: TestGateway): Promise<TestWorker> {
  const worker = await gateway.worker('w1');
  gateway.submit({ budgetMs: 9000 });
  await gateway.clock.advance(1);
  worker.freeze();
  for (let waitedMs = 0; probes(gateway) === 0; waitedMs += 10) {
    if (waitedMs > 2000) throw new Error('it was not probed within 2 s');
    await gateway.clock.advance(10);
  }
  return worker;
}

function probes(gateway: TestGateway): number {
  return gateway.published('now.work.w1.').filter(({ headers }) => headers['now-timeout'] === '0').length;
}

function isFrozen(gateway: TestGateway): boolean | undefined {
  return [...gateway.dispatcher.workers.workers()][0]?.isFrozen;
}

test('a worker that is silent for 500 ms after a probe is frozen', () =>
  withGateway(async (gateway) => {
    await probedInVain(gateway);
    assert.equal(isFrozen(gateway), false);
    await gateway.clock.advance(510);
    assert.equal(isFrozen(gateway), true);
  }));

test('a worker that sends its state after a probe is not frozen, although the probe is not answered', () =>
  withGateway(async (gateway) => {
    const worker = await probedInVain(gateway);
    worker.sendState({ free: 0 });
    await gateway.clock.advance(510);
    assert.equal(isFrozen(gateway), false);
  }));

for (const [what, forMs] of [
  ['is', 600],
  ['was', 20],
] as const) {
  test(`no worker is frozen for a probe during which the broker ${what} lost`, () =>
    withGateway(async (gateway) => {
      await probedInVain(gateway);
      gateway.bus.disconnect();
      await gateway.clock.advance(forMs);
      gateway.bus.reconnect();
      await gateway.clock.advance(510);
      assert.equal(isFrozen(gateway), false);
    }));
}

test('a probe that is under way at the stop leaves no timer behind', () =>
  withGateway(async (gateway) => {
    await probedInVain(gateway);
    const before = gateway.clock.pending;
    gateway.dispatcher.stop();
    await gateway.clock.advance(510);
    assert.equal(isFrozen(gateway), false);
    assert.ok(gateway.clock.pending < before);
  }));

test('a worker that serves nothing is forgotten when it falls silent, without a probe', () =>
  withGateway(async (gateway) => {
    const idle = gateway.broker.connect();
    await gateway.clock.advance(1100);
    idle.publish('now.state.w1', encodeJson({ at: gateway.clock.wall(), functions: {} }));
    await gateway.clock.advance(1000);
    assert.equal([...gateway.dispatcher.workers.workers()].length, 1);
    await gateway.clock.advance(1000);
    assert.deepEqual([[...gateway.dispatcher.workers.workers()].length, probes(gateway)], [0, 0]);
  }));
