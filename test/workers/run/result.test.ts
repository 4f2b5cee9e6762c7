import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { systemClock } from '../../../lib/clock.ts';
import { FunctionError } from '../../../workers/api/errors.ts';
import { reply } from '../../../workers/api/reply.ts';
import { Executor } from '../../../workers/run/execute.ts';
import { recordingLog } from '../../support/log.ts';
import { asReply, define, headersOf, invocation, run, text, throwing } from './run-call.ts';

describe('the result of a handler', () => {
  it('is JSON, bytes or text by its kind', async () => {
    const sent: [result: unknown, body: string, contentType: string][] = [
      [{ a: 1, b: undefined }, '{"a":1}', 'application/json'],
      [[1, null], '[1,null]', 'application/json'],
      [null, 'null', 'application/json'],
      [0, '0', 'application/json'],
      [false, 'false', 'application/json'],
      [new Date(0), '"1970-01-01T00:00:00.000Z"', 'application/json'],
      ['', '', 'text/plain; charset=utf-8'],
      ['héllo', 'héllo', 'text/plain; charset=utf-8'],
      [Buffer.from('raw'), 'raw', 'application/octet-stream'],
      [new Uint8Array(0), '', 'application/octet-stream'],
      [Promise.resolve({ a: 1 }), '{"a":1}', 'application/json'],
    ];
    for (const [result, body, contentType] of sent) {
      const completion = await run(() => result);
      assert.equal(completion.outcome, 'ok');
      assert.equal(completion.status, 200);
      assert.equal(text(completion), body);
      assert.deepEqual(completion.headers, [['Content-Type', contentType]]);
    }
  });

  it('is 204 when there is none', async () => {
    const completion = await run(() => undefined);
    assert.equal(completion.status, 204);
    assert.deepEqual(completion.headers, [['Now-Status', '204']]);
    assert.equal(completion.body.length, 0);
  });

  it('is what `reply` says', async () => {
    const completion = await run(() =>
      reply({
        status: 201,
        contentType: 'image/png',
        headers: { 'x-fn-size': '3' },
        body: Buffer.from('png'),
      }),
    );
    assert.equal(text(completion), 'png');
    assert.deepEqual(headersOf(completion), {
      'Now-Status': '201',
      'Content-Type': 'image/png',
      'X-Fn-Size': '3',
    });
    assert.equal((await run(() => reply({}))).status, 204);
    assert.equal((await run(() => reply({ status: 202 }))).status, 202);
    assert.equal(text(await run(() => reply({ body: { a: 1 } }))), '{"a":1}');
    assert.equal((await run(() => reply({ status: 404, body: 'none' }))).outcome, 'ok');
  });

  it('is what its output schema makes of it', async () => {
    const output = z.object({ id: z.number() });
    assert.equal(text(await run({ output, run: () => ({ id: 1, secret: 2 }) })), '{"id":1}');
    const refused = await run({ output, run: () => ({ id: 'x' }) });
    assert.equal(refused.outcome, 'bad_reply');
    assert.match(refused.error?.message ?? '', /^\/id: .*expected number/);
    assert.equal(text(await run({ output, run: () => Buffer.from('as it is') })), 'as it is');
  });

  it('fits exactly, or is bad_reply', async () => {
    const body = Buffer.alloc(100);
    const bytes = 'NATS/1.0\r\nContent-Type: application/octet-stream\r\n\r\n'.length + 100;
    assert.equal((await run(() => body, { maxReplyBytes: bytes })).outcome, 'ok');
    const refused = await run(() => body, { maxReplyBytes: bytes - 1 });
    assert.equal(refused.outcome, 'bad_reply');
    assert.match(headersOf(refused)['Nats-Service-Error'] ?? '', /its 152 bytes must be at most 151/);
  });

  function deep(): unknown {
    let value: unknown = 1;
    for (let i = 0; i < 1_000_000; i++) value = [value];
    return value;
  }
  function cycle(): unknown {
    const value: Record<string, unknown> = {};
    value.self = value;
    return value;
  }
  const hostile = new Proxy(
    {},
    {
      get: (_target, key) => (key === 'then' ? undefined : throwing(new Error('secret'))()),
      has: throwing(new Error('secret')),
    },
  );
  const unsendable: [what: string, make: () => unknown, reason: RegExp][] = [
    ['a cycle', cycle, /it contains itself/],
    ['a BigInt', () => 1n, /BigInt/],
    ['a BigInt inside', () => ({ a: 1n }), /BigInt/],
    ['a function', () => () => 1, /no JSON value but a function/],
    ['a symbol', () => Symbol('x'), /no JSON value but a symbol/],
    ['something a million deep', deep, /too deep or too long/],
    [
      'a toJSON that throws',
      () => ({ toJSON: throwing(new Error('secret')) }),
      /its toJSON or a getter threw/,
    ],
    ['a toJSON that returns nothing', () => ({ toJSON() {} }), /no JSON value/],
    [
      'a getter that throws undefined',
      () => Object.defineProperty({}, 'a', { enumerable: true, get: throwing(undefined) }),
      /toJSON or a getter threw/,
    ],
    ['a proxy that throws', () => hostile, /reading it threw/],
    ['a stream', () => new ReadableStream(), /it is a stream/],
    ['too many bytes', () => Buffer.alloc(1_000_001), /must be at most 1000000/],
    ['too long a text', () => 'x'.repeat(1_000_001), /must be at most 1000000/],
    ['too much JSON', () => ['x'.repeat(1_000_001)], /must be at most 1000000/],
    ['status 199', () => reply({ status: 199 }), /status must be a whole number, 200 to 599/],
    ['status 600', () => reply({ status: 600 }), /status must be/],
    ['status 200.5', () => reply({ status: 200.5 }), /status must be/],
    ['a status that is text', () => reply(JSON.parse('{"status":"200"}')), /status must be/],
    ['a body where none can be', () => reply({ status: 204, body: 'x' }), /status 204 has no body/],
    ['a foreign header', () => reply({ headers: { 'Set-Cookie': 'a' } }), /headers of the form X-Fn-\* only/],
    ['one of our headers', () => reply({ headers: { 'Now-Signal': 'busy' } }), /X-Fn-\* only/],
    ['a header name with a line break', () => reply({ headers: { 'X-Fn-A\r\nB': 'a' } }), /X-Fn-\* only/],
    [
      'a header value with a line break',
      () => reply({ headers: { 'X-Fn-A': 'a\r\nb' } }),
      /without control characters/,
    ],
    ['a header value that is no text', () => reply({ headers: JSON.parse('{"X-Fn-A":1}') }), /must be text/],
    ['headers that are none', () => reply(JSON.parse('{"headers":"x"}')), /headers must be an object/],
    ['too long headers', () => reply({ headers: { 'X-Fn-A': 'a'.repeat(9000) } }), /must be at most 8192/],
    ['a content type that is none', () => reply({ contentType: 'json' }), /look like type\/subtype/],
    [
      'a content type with a line break',
      () => reply({ contentType: 'a/b\r\nX: y' }),
      /look like type\/subtype/,
    ],
    ['a body of an error that is no JSON', throwing(new FunctionError(409, 'x', { body: 1n })), /BigInt/],
  ];
  for (const [what, make, reason] of unsendable) {
    it(`is bad_reply at once with ${what}, and the log says why`, async () => {
      const { log, find } = recordingLog();
      const own = new Executor({ clock: systemClock, log });
      const completion = await own.run(define(make), invocation()).done;
      assert.equal(completion.outcome, 'bad_reply');
      assert.equal(completion.status, 502);
      assert.equal(completion.body.length, 0);
      const read = asReply(completion);
      assert.ok(read.kind === 'error' && read.code === 'bad_reply' && read.status === 502);
      assert.match(read.message, reason);
      assert.doesNotMatch(read.message, /secret/);
      const lines = find('the result of the handler cannot be sent');
      assert.equal(lines.length, 1);
      assert.match(String(lines[0]?.reason), reason);
    });
  }
});

describe('a handler that throws', () => {
  class Hostile {
    get message(): string {
      throw new Error('from the getter');
    }
    get name(): string {
      throw new Error('from the getter');
    }
    get stack(): string {
      throw new Error('from the getter');
    }
    get status(): number {
      throw new Error('from the getter');
    }
    get cause(): unknown {
      throw new Error('from the getter');
    }
  }
  const thrown: [what: string, value: unknown, logged: string][] = [
    ['an error', new Error('password is 1234'), 'password is 1234'],
    ['undefined', undefined, 'undefined'],
    ['null', null, 'null'],
    ['a symbol', Symbol('s'), 'Symbol(s)'],
    ['a plain object', { code: 7 }, '{"code":7}'],
    ['an object without a prototype', Object.create(null), '{}'],
    ['an object whose getters throw', new Hostile(), 'unreadable'],
    ['a very long message', new Error('x'.repeat(100_000)), 'x'.repeat(2000)],
  ];
  for (const [what, value, logged] of thrown) {
    it(`is handler_error with ${what}, thrown or rejected, known to the log alone`, async () => {
      for (const handler of [throwing(value), () => Promise.reject(value)]) {
        const { log, find } = recordingLog();
        const own = new Executor({ clock: systemClock, log });
        const completion = await own.run(define(handler), invocation()).done;
        assert.equal(completion.outcome, 'handler_error');
        const read = asReply(completion);
        assert.ok(read.kind === 'error' && read.code === 'handler_error' && read.status === 500);
        assert.equal(read.message, 'the function failed');
        assert.equal(completion.body.length, 0);
        const [line] = find('the handler failed');
        assert.ok(line);
        assert.equal(Reflect.get(Object(line.err), 'message'), logged);
        assert.equal(line.call, 'call-1');
      }
    });
  }

  it('says what it means to by a FunctionError, with a body if it has one', async () => {
    const bare = await run(throwing(new FunctionError(409, 'taken\r\nNow-Signal: busy')));
    assert.equal(bare.outcome, 'service_error');
    const read = asReply(bare);
    assert.ok(read.kind === 'error' && read.status === 409 && read.code === undefined);
    assert.equal(read.message, 'taken Now-Signal: busy');
    assert.equal(bare.body.length, 0);
    const full = await run(throwing(new FunctionError(451, 'no', { body: { by: 'law' } })));
    assert.equal(full.status, 451);
    assert.equal(text(full), '{"by":"law"}');
    assert.equal(headersOf(full)['Content-Type'], 'application/json');
  });
});
