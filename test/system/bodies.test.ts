import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { z } from 'zod';
import { type HttpAnswer, RawConnection } from '../support/http.ts';
import { startSystem } from '../support/system.ts';

type Framing = 'Content-Length' | 'chunked';
const FRAMINGS: readonly Framing[] = ['Content-Length', 'chunked'];
const HEAD =
  'POST /functions/length HTTP/1.1\r\nHost: x\r\nX-Request-Id: r\r\nContent-Type: application/octet-stream\r\n';

/** Sends a body of `bytes` bytes; what the gateway does not take is not sent to its end. */
function post(t: TestContext, port: number, bytes: number, framing: Framing): Promise<HttpAnswer> {
  const connection = new RawConnection(t, port);
  const body = Buffer.alloc(bytes, 'x');
  if (framing === 'Content-Length') {
    connection.write(`${HEAD}Content-Length: ${bytes}\r\n\r\n`);
    connection.write(body);
  } else {
    connection.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    for (let at = 0; at < bytes; at += 65_536) {
      const piece = body.subarray(at, at + 65_536);
      connection.write(`${piece.length.toString(16)}\r\n`);
      connection.write(piece);
      connection.write('\r\n');
    }
    connection.write('0\r\n\r\n');
  }
  return connection.answer().finally(() => connection.destroy());
}

function assertTooLarge(answer: HttpAnswer, limitBytes: number): void {
  assert.equal(answer.status, 413);
  assert.equal(answer.problem.code, 'payload_too_large');
  assert.equal(answer.problem.started, 'no');
  const said = z.object({ limitBytes: z.int(), gotBytes: z.int() }).parse(answer.problem);
  assert.equal(said.limitBytes, limitBytes);
  assert.ok(said.gotBytes > limitBytes);
}

test("a body may fill what the broker's max_payload leaves, and not one byte more", async (t) => {
  const { gateway } = await startSystem(t, { worker: { handlers: ['length.mjs'] } });
  const refused = await post(t, gateway.port, 2 ** 20, 'Content-Length');
  const { limitBytes } = z.object({ limitBytes: z.int() }).parse(refused.problem);
  assert.ok(limitBytes > 2 ** 20 - 2000, `${limitBytes} bytes are far from the limit of the broker`);
  for (const framing of FRAMINGS) {
    await t.test(`with ${framing}`, async () => {
      const fits = await post(t, gateway.port, limitBytes, framing);
      assert.equal(fits.status, 200, fits.text);
      assert.deepEqual(fits.json, { bytes: limitBytes });
      assertTooLarge(await post(t, gateway.port, limitBytes + 1, framing), limitBytes);
    });
  }

  await t.test('headers take from what is left for the body', async () => {
    const connection = new RawConnection(t, gateway.port);
    const head = HEAD.replace('X-Request-Id', `X-Fn-Note: ${'n'.repeat(1000)}\r\nX-Request-Id`);
    connection.write(`${head}Content-Length: ${limitBytes}\r\n\r\n`);
    assertTooLarge(await connection.answer(), limitBytes - 'X-Fn-Note: \r\n'.length - 1000);
  });
});

test('a body above the own limit of the gateway is refused while it is still being sent', async (t) => {
  const limitBytes = 100_000;
  const { gateway, client } = await startSystem(t, {
    gatewayFlags: ['--max-body-bytes', String(limitBytes)],
    worker: { handlers: ['length.mjs'] },
  });
  for (const framing of FRAMINGS) {
    await t.test(`exactly the limit passes with ${framing}`, async () => {
      assert.equal((await post(t, gateway.port, limitBytes, framing)).status, 200);
      assertTooLarge(await post(t, gateway.port, limitBytes + 1, framing), limitBytes);
    });
  }

  await t.test('an announced length is enough', async () => {
    const connection = new RawConnection(t, gateway.port);
    connection.write(`${HEAD}Content-Length: ${limitBytes + 1}\r\n\r\n`);
    assertTooLarge(await connection.answer(), limitBytes);
  });

  await t.test('an endless body is refused as soon as it is too large', async () => {
    const connection = new RawConnection(t, gateway.port);
    connection.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
    connection.write(`${(limitBytes + 1).toString(16)}\r\n${'x'.repeat(limitBytes + 1)}\r\n`);
    assertTooLarge(await connection.answer(), limitBytes);
  });

  await t.test('Expect: 100-continue gets the refusal instead of the go-ahead', async () => {
    const connection = new RawConnection(t, gateway.port);
    connection.write(`${HEAD}Expect: 100-continue\r\nContent-Length: ${limitBytes + 1}\r\n\r\n`);
    assertTooLarge(await connection.answer(), limitBytes);
  });

  await t.test('415 for a body that is encoded, which identity is not', async () => {
    for (const encoding of ['gzip', 'br', 'gzip, identity']) {
      const answer = await client.send('/functions/length', {
        body: 'x',
        headers: { 'Content-Encoding': encoding },
      });
      assert.equal(answer.status, 415, encoding);
      assert.equal(answer.problem.code, 'unsupported_media_type');
      assert.equal(answer.problem.started, 'no');
    }
    const plain = await client.send('/functions/length', {
      body: 'x',
      headers: { 'Content-Encoding': 'identity', 'Content-Type': 'application/octet-stream' },
    });
    assert.equal(plain.status, 200);
  });

  for (const framing of FRAMINGS) {
    await t.test(`408 for a body that is not complete within the budget, with ${framing}`, async () => {
      const connection = new RawConnection(t, gateway.port);
      const form = framing === 'chunked' ? 'Transfer-Encoding: chunked' : 'Content-Length: 10';
      const begin = framing === 'chunked' ? '3\r\nabc\r\n' : 'abc';
      connection.write(`${HEAD}${form}\r\nRequest-Timeout: 0.3\r\n\r\n${begin}`);
      const answer = await connection.answer();
      assert.equal(answer.status, 408);
      assert.equal(answer.problem.code, 'request_incomplete');
      assert.equal(answer.problem.started, 'no');
      assert.equal(answer.problem.retryable, true);
      assert.ok(answer.elapsedMs < 2000, `it took ${answer.elapsedMs} ms`);
    });
  }
});
