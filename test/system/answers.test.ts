import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { startSystem } from '../support/system.ts';

const shown = z.object({ headers: z.record(z.string(), z.string()), remainingMs: z.number() });

test('what a function answers', async (t) => {
  const { client } = await startSystem(t);

  await t.test(
    'its status, body, type and X-Fn headers cross unchanged, with the report on the call',
    async () => {
      const answer = await client.call('show', { n: 1 }, { 'X-Fn-Page': '7', 'X-Request-Id': 'mine-1' });
      assert.equal(answer.status, 201);
      assert.equal(answer.headers['content-type'], 'application/json');
      assert.equal(answer.headers['x-fn-answer'], 'from the handler');
      assert.equal(answer.headers['x-request-id'], 'mine-1');
      assert.match(String(answer.headers['x-worker']), /^w-[A-Za-z0-9_-]+$/);
      const dur = String.raw`;dur=\d+(\.\d+)?`;
      assert.match(
        String(answer.headers['server-timing']),
        new RegExp(`^queue${dur}, work${dur}, nats${dur}$`),
      );
      assert.deepEqual(z.object({ body: z.unknown() }).parse(answer.json).body, { n: 1 });
    },
  );

  await t.test('only the headers of the list reach the handler', async () => {
    const answer = await client.call(
      'show',
      {},
      {
        'X-Fn-One': 'a',
        Accept: 'text/x',
        'Accept-Language': 'de',
        'Idempotency-Key': 'k1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'x=1',
        'X-Request-Id': 'mine-2',
        Authorization: 'Bearer secret',
        Cookie: 'a=b',
        'Now-Deadline': '1',
        'Now-Call': 'stolen',
        'Nats-Msg-Id': '1',
        'X-Forwarded-For': '1.2.3.4',
        'X-Fnord': 'no',
      },
    );
    assert.deepEqual(shown.parse(answer.json).headers, {
      'x-fn-one': 'a',
      accept: 'text/x',
      'accept-language': 'de',
      'idempotency-key': 'k1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'x=1',
      'x-request-id': 'mine-2',
      'content-type': 'application/json',
    });
  });

  for (const bad of ['x'.repeat(129), 'with space', '\u00e4']) {
    await t.test(`a request id of ${bad.length} characters that is not allowed is replaced`, async () => {
      const answer = await client.call('show', {}, { 'X-Request-Id': bad });
      const id = String(answer.headers['x-request-id']);
      assert.notEqual(id, bad);
      assert.match(id, /^[\x21-\x7e]{1,128}$/);
      assert.equal(shown.parse(answer.json).headers['x-request-id'], id);
    });
  }

  await t.test('bytes go in as they are', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128, 7]);
    const answer = await client.send('/functions/show', {
      body: bytes,
      headers: { 'Content-Type': 'application/octet-stream' },
    });
    assert.deepEqual(z.object({ body: z.unknown() }).parse(answer.json).body, {
      base64: bytes.toString('base64'),
    });
  });

  await t.test('an empty body is an input, and nothing returned is 204', async () => {
    const empty = await client.send('/functions/show', { headers: { 'Content-Length': '0' } });
    assert.equal(empty.status, 201);
    const nothing = await client.call('misbehave', { way: 'nothing' });
    assert.equal(nothing.status, 204);
    assert.equal(nothing.body.length, 0);
  });

  await t.test('422 lists what the schema of the function rejects', async () => {
    const answer = await client.call('strict', { age: -1, name: '' });
    assert.equal(answer.status, 422);
    const { code, started, retryable, errors } = answer.problem;
    assert.deepEqual(
      { code, started, retryable },
      { code: 'invalid_input', started: 'no', retryable: false },
    );
    const paths = z.array(z.object({ path: z.string(), message: z.string() })).parse(errors);
    assert.deepEqual(paths.map(({ path }) => path).sort(), ['/age', '/name']);
    assert.equal((await client.call('strict', { age: 3, name: 'Ada' })).status, 200);
  });

  await t.test('400 is for JSON that is none', async () => {
    const answer = await client.send('/functions/strict', {
      body: '{"age": ',
      headers: { 'Content-Type': 'application/json' },
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.problem.code, 'bad_request');
    assert.equal(answer.problem.started, 'no');
  });

  for (const way of ['throws', 'rejects']) {
    await t.test(`500 handler_error does not show what a handler that ${way} said`, async () => {
      const answer = await client.call('misbehave', { way });
      assert.equal(answer.status, 500);
      assert.equal(answer.problem.code, 'handler_error');
      assert.equal(answer.problem.started, 'yes');
      assert.doesNotMatch(answer.text + JSON.stringify(answer.headers), /swordfish/);
    });
  }

  await t.test('service_error shows the status and words that the handler chose', async () => {
    const answer = await client.call('misbehave', { way: 'refuses' });
    assert.equal(answer.status, 409);
    assert.equal(answer.problem.code, 'service_error');
    assert.equal(answer.problem.detail, 'already there');
    assert.equal(answer.problem.started, 'yes');
  });

  for (const way of ['bigint', 'large', 'status', 'header', 'cycle', 'function']) {
    await t.test(`502 bad_reply for a result that cannot be sent: ${way}`, async () => {
      const answer = await client.call('misbehave', { way });
      assert.equal(answer.status, 502);
      assert.equal(answer.problem.code, 'bad_reply');
      assert.equal(answer.problem.started, 'yes');
      assert.ok(answer.elapsedMs < 3000, `it took ${answer.elapsedMs} ms`);
    });
  }

  await t.test('504 comes when the budget runs out, and says that it may have run', async () => {
    const answer = await client.call('work', { id: 'slow', ms: 3000 }, { 'Request-Timeout': '0.3' });
    assert.equal(answer.status, 504);
    const { code, started, retryable, budgetMs } = answer.problem;
    assert.deepEqual(
      { code, started, retryable, budgetMs },
      { code: 'deadline_exceeded', started: 'unknown', retryable: false, budgetMs: 300 },
    );
    assert.ok(answer.elapsedMs >= 295 && answer.elapsedMs < 1300, `it took ${answer.elapsedMs} ms`);
  });

  await t.test('404 for other paths, 405 with Allow for other methods', async () => {
    for (const path of ['/', '/function/show', '/functions/a/b', '/problems/no-such-thing']) {
      const answer = await client.send(path, { method: 'POST' });
      const expected = path.startsWith('/problems') ? 405 : 404;
      assert.equal(answer.status, expected, path);
    }
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']) {
      const answer = await client.send('/functions/show', { method });
      assert.equal(answer.status, 405, method);
      assert.equal(answer.headers.allow, 'POST', method);
      if (method !== 'HEAD') assert.equal(answer.problem.code, 'method_not_allowed');
    }
    const health = await client.send('/healthz', { method: 'POST' });
    assert.equal(health.headers.allow, 'GET, HEAD');
  });
});
