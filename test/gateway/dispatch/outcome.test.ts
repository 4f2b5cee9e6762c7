import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withGateway } from './harness.ts';

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
      worker.sendState();
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
