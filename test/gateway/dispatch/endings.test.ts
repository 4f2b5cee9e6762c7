import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallError } from '../../../protocol/call-error.ts';
import { encodeJson } from '../../../protocol/json.ts';
import { FN, text, withGateway } from './harness.ts';

test('the worker of a caller that left is told to cancel', () =>
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

test('the parked call of a caller that left is handed to nobody', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.tell({ free: 0 });
    await gateway.clock.advance(1);
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(gateway.dispatcher.parkedCalls, 1);
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

test('demand is told at once and every 50 ms until nothing is parked', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.tell({ free: 0 });
    await gateway.clock.advance(1);
    gateway.submit({ budgetMs: 180 });
    await gateway.clock.advance(300);
    assert.equal(worker.demands.length, 4);
    assert.ok(worker.demands.every(({ parked }) => parked === 1));
  }));

test('demand is repeated rarely while pulls keep coming, and again when a free slot is believed in', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.tell({ free: 0 });
    await gateway.clock.advance(1);
    for (let n = 0; n < 60; n++) gateway.submit({ budgetMs: 1500 });
    await gateway.clock.advance(1);
    const demandsWhilePulling = async () => {
      const heard = worker.demands.length;
      for (let pulls = 0; pulls < 20; pulls++) {
        worker.pull();
        await gateway.clock.advance(20);
        // As its reply would say: its slot is taken again.
        worker.tell({ free: 0 });
      }
      return worker.demands.length - heard;
    };
    assert.equal(await demandsWhilePulling(), 1);
    assert.equal(worker.pulled.length, 20);
    await gateway.worker('w2', { slots: 2 });
    const told = await demandsWhilePulling();
    assert.equal(worker.pulled.length, 40);
    assert.ok(told >= 7 && told <= 9, `demand was told ${told} times in 400 ms`);
  }));

test('demand counts the free slots of live workers alone: a frozen one must not keep the others from pulling', () =>
  withGateway(async (gateway) => {
    const frozen = await gateway.worker('w1', { slots: 50 });
    frozen.freeze();
    await gateway.clock.advance(2500);
    const worker = await gateway.worker('w2');
    worker.tell({ free: 0 });
    await gateway.clock.advance(1);
    gateway.submit();
    await gateway.clock.advance(1);
    const demands = gateway.published('now.demand.').map(({ data }) => JSON.parse(text(data)).free);
    assert.deepEqual(demands, [0]);
    await gateway.clock.advance(600);
  }));

test('only functions faster than 5 ms get one more call for each slot', () =>
  withGateway(async (gateway) => {
    const quick = await gateway.worker('w1', { slots: 2, serviceMs: 1 });
    for (let count = 0; count < 6; count++) gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(quick.calls.length, 4);
    assert.equal(gateway.dispatcher.parkedCalls, 2);
    await gateway.clock.advance(600);
  }));

test('functions slower than that get as many calls as they have slots', () =>
  withGateway(async (gateway) => {
    const slow = await gateway.worker('w1', { slots: 2, serviceMs: 6 });
    for (let count = 0; count < 6; count++) gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(slow.calls.length, 2);
    assert.equal(gateway.dispatcher.parkedCalls, 4);
    await gateway.clock.advance(600);
  }));

for (const [what, headers] of [
  ['an unknown signal', [['Now-Signal', 'later']]],
  ['a status that is none', [['Now-Status', '99']]],
  ['an error code that is none', [['Nats-Service-Error-Code', 'many']]],
  ['the signal of a pull', [['Now-Signal', 'empty']]],
] as const) {
  test(`a reply with ${what} is a bad reply, and the next call is answered`, () =>
    withGateway(async (gateway) => {
      const worker = await gateway.worker('w1');
      worker
        .next((message) => worker.reply(message, '', headers))
        .always((message) => worker.answer(message));
      const call = gateway.submit();
      await gateway.clock.advance(1);
      assert.equal(call.error().code, 'bad_reply');
      assert.equal(call.error().started, 'yes');
      worker.tell();
      await gateway.clock.advance(1);
      const next = gateway.submit();
      await gateway.clock.advance(1);
      assert.equal(next.text(), 'CALL 1');
    }));
}

test('a reply whose headers cannot be decoded is a bad reply', () =>
  withGateway(async (gateway) => {
    const worker = await gateway.worker('w1');
    worker.next(({ reply }) =>
      gateway.broker.inject(reply ?? '', new Uint8Array(0), {
        headerBlock: Buffer.from('NATS/1.0\r\nBad Name: x\r\n\r\n'),
      }),
    );
    const call = gateway.submit();
    await gateway.clock.advance(1);
    assert.equal(call.error().code, 'bad_reply');
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
