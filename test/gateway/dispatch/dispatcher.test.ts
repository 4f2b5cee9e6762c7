import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FN, text, withGateway } from './harness.ts';

test('a call goes to the private subject of a worker with a free slot and its answer comes back', () =>
  withGateway(async (gateway) => {
    const worker = (await gateway.worker('w1')).always((message) => worker.answer(message));
    const call = gateway.submit({ body: 'hello' });
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'HELLO');
    assert.equal(gateway.published('now.work.w1.resize').length, 1);
    assert.equal(gateway.published('now.call.').length, 0);
    assert.equal(gateway.dispatcher.pending, 0);
    assert.equal(gateway.dispatcher.openReplies, 0);
  }));

test('the worker that will be done first is chosen, those that it has not answered counted', () =>
  withGateway(async (gateway) => {
    const slow = await gateway.worker('slow', { slots: 4, serviceMs: 250 });
    const fast = await gateway.worker('fast', { slots: 4, serviceMs: 100 });
    for (let count = 0; count < 4; count++) gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(fast.calls.length, 3);
    assert.equal(slow.calls.length, 1);
  }));

test('a call that is told busy goes to another worker', () =>
  withGateway(async (gateway) => {
    const first = (await gateway.worker('w1', { serviceMs: 10 })).next((message) => first.busy(message));
    const second = (await gateway.worker('w2')).always((message) => second.answer(message));
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'CALL 0');
    assert.equal(gateway.published('now.work.w1.').length, 1);
  }));

test('a call that is refused by all is parked where it was when it came, before those that came later', () =>
  withGateway(async (gateway) => {
    const [first, second] = [await gateway.worker('w1', { serviceMs: 10 }), await gateway.worker('w2')];
    first.next((message) => gateway.clock.after(20, () => first.busy(message)));
    second.next((message) => gateway.clock.after(20, () => second.busy(message)));
    for (const body of ['older', 'held', 'newer']) {
      gateway.submit({ body });
      await gateway.clock.advance(2);
    }
    await gateway.clock.advance(50);
    assert.equal(gateway.dispatcher.parkedCalls, 3);
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

test('a private subject without a subscriber means that nobody ran the call: it goes elsewhere', () =>
  withGateway(async (gateway) => {
    const gone = await gateway.worker('w1', { serviceMs: 10 });
    const worker = (await gateway.worker('w2')).always((message) => worker.answer(message));
    gone.kill();
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'CALL 0');
  }));

test('a worker that drains gets nothing more, and the call that met it goes elsewhere', () =>
  withGateway(async (gateway) => {
    const leaving = await gateway.worker('w1', { serviceMs: 10, slots: 4 });
    const worker = (await gateway.worker('w2', { slots: 4 })).always((message) => worker.answer(message));
    leaving.next((message) => leaving.signal(message, 'draining'));
    const calls = [gateway.submit()];
    await gateway.clock.advance(1);
    leaving.tell({ draining: true });
    await gateway.clock.advance(1);
    calls.push(gateway.submit(), gateway.submit());
    await gateway.clock.advance(1);
    assert.deepEqual(
      calls.map((call) => call.text()),
      ['CALL 0', 'CALL 1', 'CALL 2'],
    );
    assert.equal(gateway.published('now.work.w1.').length, 1);
  }));

test('a worker that says expired proves that its group did not run the call', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.next((message) => worker.signal(message, 'expired'));
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.error().code, 'deadline_exceeded');
    assert.equal(call.error().started, 'no');
  }));

test('expired from one of several groups that the gateway did not know proves nothing about the others', () =>
  withGateway(async (gateway) => {
    const other = gateway.broker.connect();
    other.subscribe('now.call.resize', () => undefined, { queue: 'other' });
    other.subscribe(
      'now.call.resize',
      ({ reply }) =>
        other.publish(reply ?? '', new Uint8Array(0), {
          headers: [
            ['Now-Signal', 'expired'],
            ['Now-Group', 'late'],
          ],
        }),
      { queue: 'late' },
    );
    await gateway.clock.advance(1);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.error().started, 'unknown');
  }));

test('the refusal of one group does not say for the caller that no group began the call', () =>
  withGateway(async (gateway) => {
    const refusing = await gateway.worker('w1', { group: 'a' });
    const running = await gateway.worker('w2', { group: 'b' });
    refusing.next((message) =>
      refusing.reply(message, '', [
        ['Nats-Service-Error-Code', '422'],
        ['Now-Code', 'invalid_input'],
      ]),
    );
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.error().code, 'invalid_input');
    assert.equal(call.error().started, 'unknown');
    for (const message of running.calls) running.answer(message);
    await gateway.clock.advance(1);
  }));

test('while no worker is known a call goes to the shared subject, where plain responders answer', () =>
  withGateway(async (gateway) => {
    const plain = gateway.broker.connect();
    plain.subscribe(`now.call.${FN}`, ({ reply, data }) => plain.publish(reply ?? '', data), {
      queue: 'any',
    });
    await gateway.clock.advance(1);
    const call = gateway.submit({ body: 'as it is' });
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'as it is');
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

test('each group gets a call once, and the first result settles the caller', () =>
  withGateway(async (gateway) => {
    const first = (await gateway.worker('w1', { group: 'a' })).always((message) => first.answer(message));
    const second = await gateway.worker('w2', { group: 'b' });
    const call = gateway.submit();
    await gateway.clock.advance(10);
    assert.equal(call.text(), 'CALL 0');
    assert.equal(gateway.dispatcher.pending, 1);
    assert.equal(second.calls.length, 1);
    for (const message of second.calls) second.answer(message);
    await gateway.clock.advance(1);
    assert.equal(call.outcomes.length, 1);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a busy group gets its call by a pull, whatever the other group did with it', () =>
  withGateway(async (gateway) => {
    const idle = (await gateway.worker('w1', { group: 'a' })).always((message) => idle.answer(message));
    const busy = await gateway.worker('w2', { group: 'b' });
    busy.tell({ free: 0 });
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
    worker.tell({ free: 0 });
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

test('a call that the stopping gateway ended as not started is sent to nobody any more', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    const sent = gateway.submit();
    const parked = gateway.submit();
    await gateway.clock.advance(1);
    gateway.dispatcher.endAll();
    assert.deepEqual([sent.error().code, sent.error().started], ['draining', 'unknown']);
    assert.deepEqual([parked.error().code, parked.error().started], ['draining', 'no']);
    worker.pull();
    await gateway.clock.advance(1);
    assert.equal(gateway.dispatcher.parkedCalls, 0);
    const [answer] = worker.pulled;
    assert.ok(
      answer?.noResponders || answer?.headers()?.['now-signal'] === 'empty',
      'no call answers the pull',
    );
    // Not run after all: nor is it sent again.
    for (const message of worker.calls) worker.busy(message);
    worker.tell();
    await gateway.clock.advance(10);
    assert.equal(gateway.published('now.work.').length, 1);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a call to the shared subject that the stopping gateway ended is not tried again', () =>
  withGateway(async (gateway) => {
    const call = gateway.submit();
    await gateway.clock.advance(1);
    gateway.dispatcher.endAll();
    await gateway.clock.advance(100);
    assert.deepEqual([call.error().code, call.error().started], ['draining', 'no']);
    assert.equal(gateway.published('now.call.').length, 1);
    assert.equal(gateway.dispatcher.pending, 0);
  }));
