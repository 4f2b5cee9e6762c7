import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text, withGateway } from './harness.ts';

test('demand is sent at once and every 50 ms until nothing is parked', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    gateway.submit({ budgetMs: 180 });
    await gateway.clock.advance(300);
    assert.equal(worker.demands.length, 4);
    assert.ok(worker.demands.every(({ parked }) => parked === 1));
  }));

test('demand is repeated rarely while pulls keep coming, and often again when a free slot is known', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    for (let n = 0; n < 60; n++) gateway.submit({ budgetMs: 1500 });
    await gateway.clock.advance(1);
    const demandsWhilePulling = async () => {
      const before = worker.demands.length;
      for (let pulls = 0; pulls < 20; pulls++) {
        worker.pull();
        await gateway.clock.advance(20);
        // As its reply would say: its slot is taken again.
        worker.sendState({ free: 0 });
      }
      return worker.demands.length - before;
    };
    assert.equal(await demandsWhilePulling(), 1);
    assert.equal(worker.pulled.length, 20);
    await gateway.worker('w2', { slots: 2 });
    const count = await demandsWhilePulling();
    assert.equal(worker.pulled.length, 40);
    assert.ok(count >= 7 && count <= 9, `demand was sent ${count} times in 400 ms`);
  }));

test('demand counts the free slots of live workers alone: a frozen one must not keep the others from pulling', () =>
  withGateway(async (gateway) => {
    const frozen = await gateway.worker('w1', { slots: 50 });
    frozen.freeze();
    await gateway.clock.advance(2500);
    const worker = await gateway.worker('w2');
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    gateway.submit();
    await gateway.clock.advance(1);
    const demands = gateway.published('now.demand.').map(({ data }) => JSON.parse(text(data)).free);
    assert.deepEqual(demands, [0]);
    await gateway.clock.advance(600);
  }));
