import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeJson } from '../../../protocol/json.ts';
import { FN, withGateway } from './harness.ts';

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

test('a call that a worker answers busy goes to another worker', () =>
  withGateway(async (gateway) => {
    const first = (await gateway.worker('w1', { serviceMs: 10 })).next((message) => first.busy(message));
    const second = (await gateway.worker('w2')).always((message) => second.answer(message));
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.text(), 'CALL 0');
    assert.equal(gateway.published('now.work.w1.').length, 1);
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
    leaving.sendState({ draining: true });
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

test('a failure of one group before its run does not say for the caller that no group began the call', () =>
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
    assert.equal(gateway.dispatcher.parkedDeliveries, 0);
    const [answer] = worker.pulled;
    assert.ok(
      answer?.noResponders || answer?.headers()?.['now-signal'] === 'empty',
      'no call answers the pull',
    );
    // Not run after all: nor is it sent again.
    for (const message of worker.calls) worker.busy(message);
    worker.sendState();
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

test('the worker of a caller that left is asked to cancel', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    const call = gateway.submit();
    await gateway.clock.advance(1);
    call.handle.abandon();
    await gateway.clock.advance(1);
    assert.deepEqual(worker.cancelled, ['c0']);
    assert.equal(call.error().code, 'caller_gone');
    for (const message of worker.calls) worker.answer(message);
    await gateway.clock.advance(1);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a call that went to the shared subject is cancelled at the workers of its function alone', () =>
  withGateway(async (gateway) => {
    const plain = gateway.broker.connect();
    plain.subscribe(`now.call.${FN}`, () => undefined, { queue: 'plain' });
    await gateway.clock.advance(1);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    const worker = await gateway.worker('w1');
    const other = gateway.broker.connect();
    const functions = {
      other: { group: 'workers', slots: 1, free: 1, running: 0, buffered: 0, serviceMs: 1 },
    };
    other.publish('now.state.w2', encodeJson({ at: gateway.clock.wall(), functions }));
    await gateway.clock.advance(1);
    call.handle.abandon();
    await gateway.clock.advance(1);
    assert.deepEqual(worker.cancelled, ['c0']);
    assert.deepEqual(
      gateway.published('now.cancel.').map(({ subject }) => subject),
      ['now.cancel.w1'],
    );
    await gateway.clock.advance(600);
  }));

test('the parked call of a caller that left is sent to nobody', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(gateway.dispatcher.parkedDeliveries, 1);
    call.handle.abandon();
    assert.equal(call.error().started, 'no');
    worker.pull();
    await gateway.clock.advance(1);
    const [answer] = worker.pulled;
    assert.ok(answer !== undefined, 'the pull was answered');
    assert.ok(answer.noResponders || answer.headers()?.['now-signal'] === 'empty', 'by no call');
    assert.equal(gateway.published('now.work.').length, 0);
    assert.equal(gateway.dispatcher.pending, 0);
  }));

test('a call that was parked until its deadline never started; one at a worker may have', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    const sent = gateway.submit({ budgetMs: 100 });
    const parked = gateway.submit({ budgetMs: 100 });
    await gateway.clock.advance(130);
    assert.equal(worker.calls.length, 1);
    assert.deepEqual([sent.error().code, sent.error().started], ['deadline_exceeded', 'unknown']);
    assert.deepEqual([parked.error().code, parked.error().started], ['deadline_exceeded', 'no']);
  }));
