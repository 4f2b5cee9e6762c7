import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallError } from '../../../protocol/call-error.ts';
import { text, withGateway } from './harness.ts';

test('a call that no worker takes is parked by the time it came in, before those that came later', () =>
  withGateway(async (gateway) => {
    const [first, second] = [await gateway.worker('w1', { serviceMs: 10 }), await gateway.worker('w2')];
    first.next((message) => gateway.clock.after(20, () => first.busy(message)));
    second.next((message) => gateway.clock.after(20, () => second.busy(message)));
    for (const body of ['older', 'held', 'newer']) {
      gateway.submit({ body });
      await gateway.clock.advance(2);
    }
    await gateway.clock.advance(50);
    assert.equal(gateway.dispatcher.parkedDeliveries, 3);
    first.pull();
    await gateway.clock.advance(1);
    first.pull();
    await gateway.clock.advance(1);
    first.pull();
    await gateway.clock.advance(1);
    assert.deepEqual(
      first.pulled.map(({ data }) => text(data)),
      ['older', 'held', 'newer'],
    );
    assert.deepEqual(
      first.pulled.map((message) => message.headers()?.['now-parked']),
      ['2', '1', '0'],
    );
  }));

test('nobody there is said at once when that is certain', () =>
  withGateway(async (gateway) => {
    await gateway.clock.advance(1100);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.error().code, 'no_responders');
    assert.equal(call.error().started, 'no');
    assert.equal(call.error().retryAfterS, 10);
  }));

test('nobody there is tried again after 20, 50 and 100 ms while it is not certain', () =>
  withGateway(async (gateway) => {
    const call = gateway.submit();
    await gateway.clock.advance(160);
    assert.equal(call.outcomes.length, 0);
    await gateway.clock.advance(20);
    assert.equal(call.error().code, 'no_responders');
    assert.equal(gateway.published('now.call.').length, 4);
  }));

test('a worker that starts while a call is tried again gets it', () =>
  withGateway(async (gateway) => {
    const call = gateway.submit();
    await gateway.clock.advance(10);
    const worker = (await gateway.worker('w1')).always((message) => worker.answer(message));
    await gateway.clock.advance(50);
    assert.equal(call.text(), 'CALL 0');
  }));

test('a call whose wait would outlast its budget is refused early, with the counts and a time to come back', () =>
  withGateway(async (gateway) => {
    const worker = (await gateway.worker('w1', { slots: 2, serviceMs: 200 })).always(() => undefined);
    const calls = Array.from({ length: 60 }, () => gateway.submit({ budgetMs: 1000 }));
    for (let count = 0; count < 20; count++) {
      await gateway.clock.advance(25);
      worker.pull();
    }
    await gateway.clock.advance(5);
    const refused = calls.filter(({ outcomes }) => outcomes.length > 0);
    assert.ok(refused.length > 10, `${refused.length} were refused`);
    const error = refused[0]?.error();
    assert.equal(error?.code, 'saturated');
    assert.equal(error?.started, 'no');
    assert.equal(error?.extra.workers, 1);
    assert.equal(error?.extra.slots, 2);
    assert.equal(typeof error?.extra.parked, 'number');
    assert.ok((error?.retryAfterS ?? 0) >= 1);
    await gateway.clock.advance(1100);
  }));

test('with parking switched off a call that finds no free slot is refused at once', () =>
  withGateway(
    async (gateway) => {
      const worker = await gateway.worker('w1');
      gateway.submit();
      const second = gateway.submit();
      assert.equal(second.error().code, 'saturated');
      await gateway.clock.advance(1);
      assert.equal(worker.calls.length, 1);
      await gateway.clock.advance(600);
    },
    { isParkingOn: false },
  ));

test('a busy group gets its call by a pull, whatever the other group did with it', () =>
  withGateway(async (gateway) => {
    const idle = (await gateway.worker('w1', { group: 'a' })).always((message) => idle.answer(message));
    const busy = await gateway.worker('w2', { group: 'b' });
    busy.sendState({ free: 0 });
    await gateway.clock.advance(1);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'CALL 0');
    busy.pull();
    await gateway.clock.advance(1);
    assert.equal(busy.pulled.length, 1);
    assert.equal(idle.calls.length, 0);
    for (const message of busy.pulled) busy.answer(message);
    await gateway.clock.advance(1);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a call that could not be done in time any more is refused when a worker pulls, not run in vain', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.always((message) =>
      worker.reply(message, 'done', [
        ['Now-Worker', 'w1'],
        ['Now-Free', '1'],
        ['Now-Work-Ms', '100'],
      ]),
    );
    for (let n = 0; n < 20; n++) {
      gateway.submit();
      await gateway.clock.advance(5);
    }
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    const late = gateway.submit({ budgetMs: 120 });
    const inTime = gateway.submit({ budgetMs: 500 });
    await gateway.clock.advance(60);
    worker.pull();
    await gateway.clock.advance(1);
    assert.deepEqual([late.error().code, late.error().started], ['saturated', 'no']);
    assert.equal(inTime.outcomes.length, 0);
    const [call] = worker.pulled;
    assert.ok(call !== undefined);
    worker.answer(call);
    await gateway.clock.advance(1);
    assert.equal(inTime.text(), 'CALL 21');
  }));

test('only functions faster than 5 ms get one more call for each slot', () =>
  withGateway(async (gateway) => {
    const fast = await gateway.worker('w1', { slots: 2, serviceMs: 1 });
    for (let count = 0; count < 6; count++) gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(fast.calls.length, 4);
    assert.equal(gateway.dispatcher.parkedDeliveries, 2);
    await gateway.clock.advance(600);
  }));

test('functions slower than that get as many calls as they have slots', () =>
  withGateway(async (gateway) => {
    const slow = await gateway.worker('w1', { slots: 2, serviceMs: 6 });
    for (let count = 0; count < 6; count++) gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(slow.calls.length, 2);
    assert.equal(gateway.dispatcher.parkedDeliveries, 4);
    await gateway.clock.advance(600);
  }));

test('without a broker nothing is sent and the failure says so', () =>
  withGateway(async (gateway) => {
    gateway.bus.disconnect();
    const call = gateway.submit();
    assert.ok(call.outcomes[0] instanceof CallError);
    assert.deepEqual([call.error().code, call.error().started], ['broker_unavailable', 'no']);
  }));

test('a call whose deadline passes just before it would be tried again is not sent any more', () =>
  withGateway(async (gateway) => {
    const call = gateway.submit({ budgetMs: 19.9 });
    await gateway.clock.advance(40);
    assert.equal(gateway.published('now.call.').length, 1);
    assert.deepEqual([call.error().code, call.error().started], ['deadline_exceeded', 'no']);
  }));

test('a worker that was silent counts as live when it pulls: a call that it cannot do in time is refused', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.always((message) =>
      worker.reply(message, 'done', [
        ['Now-Worker', 'w1'],
        ['Now-Free', '1'],
        ['Now-Work-Ms', '100'],
      ]),
    );
    for (let n = 0; n < 20; n++) {
      gateway.submit();
      await gateway.clock.advance(5);
    }
    worker.freeze();
    await gateway.clock.advance(2500);
    const late = gateway.submit({ budgetMs: 120 });
    await gateway.clock.advance(60);
    worker.pull();
    await gateway.clock.advance(1);
    assert.deepEqual([late.error().code, late.error().started], ['saturated', 'no']);
  }));
