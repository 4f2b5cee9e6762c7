import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { asReply, headersOf, run, text, throwing } from './run-call.ts';

describe('the input of a handler', () => {
  async function inputOf(contentType: string | undefined, body: string | Uint8Array): Promise<unknown> {
    let got: unknown = 'not run';
    await run(
      (input: unknown) => {
        got = input;
      },
      {
        headers: contentType === undefined ? {} : { 'content-type': contentType },
        body: typeof body === 'string' ? Buffer.from(body) : body,
      },
    );
    return got;
  }

  it('is parsed JSON for JSON content types', async () => {
    for (const type of [
      'application/json',
      'Application/JSON; charset=utf-8',
      'application/vnd.api+json;v=1',
    ]) {
      assert.deepEqual(await inputOf(type, '{"a":[1]}'), { a: [1] });
    }
  });

  it('is the bytes for other content types and, without a schema, for none', async () => {
    for (const type of [
      'text/plain',
      'application/jsonl',
      'application/octet-stream',
      'x/application/json',
      undefined,
    ]) {
      assert.deepEqual(await inputOf(type, '{}'), Buffer.from('{}'), String(type));
    }
  });

  it('is undefined for an empty body of JSON or of no type', async () => {
    assert.equal(await inputOf('application/json', ''), undefined);
    assert.equal(await inputOf(undefined, ''), undefined);
    assert.deepEqual(await inputOf('text/plain', ''), Buffer.from(''));
  });

  it('is parsed JSON for no content type when the function has an input schema', async () => {
    const fn = { input: z.object({ n: z.number() }), run: ({ n }: { n: number }) => n + 1 };
    const answered = await run(fn, { headers: {}, body: Buffer.from('{"n":1}') });
    assert.deepEqual([answered.outcome, text(answered)], ['ok', '2']);
    const refused = await run(fn, { headers: {}, body: Buffer.from('{"n":"1"}') });
    assert.equal(refused.outcome, 'invalid_input');
    const malformed = await run(fn, { headers: {}, body: Buffer.from('{"n":') });
    assert.deepEqual(malformed, await run(fn, { body: Buffer.from('{"n":') }));
    assert.equal(malformed.outcome, 'bad_request');
    const empty = await run({ input: z.undefined(), run: () => 'none' }, { headers: {}, body: Buffer.of() });
    assert.equal(text(empty), 'none');
  });

  it('is the bytes for other content types also when the function has an input schema', async () => {
    const fn = { input: z.instanceof(Uint8Array), run: (bytes: Uint8Array) => bytes.length };
    const answered = await run(fn, { headers: { 'content-type': 'text/plain' }, body: Buffer.from('{}') });
    assert.equal(text(answered), '2');
  });

  it('may be 64 levels deep, brackets in strings not counted', async () => {
    const deep = (levels: number) => `${'['.repeat(levels)}"[[[[\\"[["${']'.repeat(levels)}`;
    assert.ok(Array.isArray(await inputOf('application/json', deep(64))));
    assert.equal(await inputOf('application/json', deep(65)), 'not run');
    assert.ok(Array.isArray(await inputOf('application/json', `[${'{},[],'.repeat(1000)}1]`)));
  });

  it('is refused as bad_request when it is not JSON, not UTF-8 or too deep, without a word of the body', async () => {
    const bodies: [Uint8Array, RegExp][] = [
      [Buffer.from('{"secret":'), /the body is not valid JSON/],
      [Buffer.from([0x22, 0xff, 0x22]), /not valid UTF-8/],
      [Buffer.from('['.repeat(100_000)), /at most 64 levels deep/],
    ];
    for (const [body, message] of bodies) {
      const completion = await run(() => 1, { body });
      assert.equal(completion.outcome, 'bad_request');
      assert.equal(completion.status, 400);
      const read = asReply(completion);
      assert.ok(read.kind === 'error' && read.code === 'bad_request' && read.status === 400);
      assert.match(read.message, message);
      assert.doesNotMatch(JSON.stringify(completion), /secret/);
    }
  });

  it('pollutes no prototype', async () => {
    const got = await inputOf('application/json', '{"__proto__":{"polluted":1}}');
    assert.deepEqual(Object.keys(got ?? {}), ['__proto__']);
    assert.ok(!('polluted' in Object.prototype));
  });

  it('is judged by the schema before the handler runs', async () => {
    let runs = 0;
    const fn = {
      input: z.object({ user: z.object({ 'na/me': z.string() }), n: z.coerce.number() }),
      run: ({ n }: { n: number }) => {
        runs++;
        return n;
      },
    };
    const refused = await run(fn, { body: Buffer.from('{"user":{"na/me":1},"n":"2"}') });
    assert.equal(refused.outcome, 'invalid_input');
    assert.equal(refused.status, 422);
    assert.equal(runs, 0);
    assert.deepEqual(JSON.parse(text(refused)), {
      errors: [{ path: '/user/na~1me', message: 'Invalid input: expected string, received number' }],
    });
    assert.equal(headersOf(refused)['Content-Type'], 'application/json');
    const read = asReply(refused);
    assert.ok(read.kind === 'error' && read.code === 'invalid_input');
    assert.equal(text(await run(fn, { body: Buffer.from('{"user":{"na/me":"x"},"n":"2"}') })), '2');
  });

  it('is judged by asynchronous refinements too, and a refinement that throws is handler_error', async () => {
    const even = z.number().refine(async (n) => n % 2 === 0, 'must be even');
    assert.equal((await run({ input: even, run: () => 1 }, { body: Buffer.from('2') })).outcome, 'ok');
    assert.equal(
      (await run({ input: even, run: () => 1 }, { body: Buffer.from('3') })).outcome,
      'invalid_input',
    );
    const broken = z.number().refine(throwing(new Error('broken')));
    assert.equal(
      (await run({ input: broken, run: () => 1 }, { body: Buffer.from('2') })).outcome,
      'handler_error',
    );
  });

  it('lists fewer errors rather than too many bytes', async () => {
    const fn = { input: z.array(z.number()), run: () => 1 };
    const body = Buffer.from(JSON.stringify(Array.from({ length: 5000 }, () => 'x')));
    const all = await run(fn, { body });
    assert.equal(JSON.parse(text(all)).errors.length, 100);
    const few = await run(fn, { body, maxReplyBytes: 2000 });
    assert.equal(JSON.parse(text(few)).errors.length, 10);
    const none = await run(fn, { body, maxReplyBytes: 200 });
    assert.equal(none.status, 422);
    assert.equal(none.body.length, 0);
  });
});
