import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CallError } from '../../protocol/call-error.ts';
import { codes, problemPath } from '../../protocol/codes.ts';
import { canonicalHeader, isFunctionHeader, isHeaderValue } from '../../protocol/headers.ts';
import { problemSchema, toProblem } from '../../protocol/problem.ts';
import {
  errorHeaders,
  oneLine,
  readReply,
  readReplyBySchema,
  reportHeaders,
  signalHeaders,
} from '../../protocol/reply.ts';
import { readUsualReply } from '../../protocol/usual-reply.ts';

function received(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
}

test('a reply without any of our headers is a valid result', () => {
  assert.equal(readReply({}).kind, 'result');
});

test('a reply with a status of its own keeps it', () => {
  const reply = readReply({ 'now-status': '201' });
  assert.deepEqual([reply.kind, reply.kind === 'result' && reply.status], ['result', 201]);
});

test('what a worker reports of itself arrives as it was', () => {
  const report = { worker: 'w1', group: 'g', free: 3, serviceMs: 12.5, waitMs: 0.5, workMs: 7 };
  assert.deepEqual(readReply(received(reportHeaders(report))), { ...report, kind: 'result', status: 200 });
});

test('a time arrives as it was, to a tenth of a millisecond', () => {
  const times = fc.oneof(fc.double({ min: 0, max: 86_400_000, noNaN: true }), fc.double({ min: 0, max: 1 }));
  fc.assert(
    fc.property(times, (ms) => {
      const [[, text] = ['', '']] = reportHeaders({ workMs: ms });
      assert.match(text, /^\d+\.\d$/);
      assert.ok(Math.abs(Number(text) - ms) <= 0.0500001);
    }),
  );
});

test('a signal and an error arrive as they were', () => {
  const busy = readReply(received(signalHeaders('busy', { worker: 'w1' })));
  assert.deepEqual([busy.kind, busy.kind === 'signal' && busy.signal], ['signal', 'busy']);
  const error = readReply(received(errorHeaders(409, 'taken\r\nalready', undefined, {})));
  assert.ok(error.kind === 'error');
  assert.deepEqual([error.status, error.message, error.code], [409, 'taken already', undefined]);
});

for (const bad of [
  { 'now-signal': 'later' },
  { 'now-status': '99' },
  { 'now-status': '600' },
  { 'now-status': 'ok' },
  { 'nats-service-error-code': '200' },
  { 'nats-service-error-code': '0x1f4' },
  { 'now-free': '-1' },
  { 'now-worker': 'a.b' },
]) {
  test(`a reply with ${JSON.stringify(bad)} is a bad reply`, () => {
    assert.throws(
      () => readReply(bad),
      (error) => error instanceof CallError && error.code === 'bad_reply',
    );
  });
}

test('the reader of usual replies says what the schema says, or leaves it to the schema', () => {
  const numbers = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 9999 }).map((tenths) => (tenths / 10).toFixed(1)) },
    { weight: 12, arbitrary: fc.integer({ min: 0, max: 9999 }).map(String) },
    fc.integer({ min: -5, max: 2_000_000 }).map(String),
    fc.double({ min: -1, max: 1e9, noNaN: true }).map(String),
    fc.constantFrom(
      '',
      ' 1',
      '1 ',
      '1e3',
      '0x10',
      '1.5',
      '.5',
      '5.',
      '-0',
      '00',
      'NaN',
      'Infinity',
      '86400001',
    ),
  );
  const words = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom('w1', 'workers', 'w-AbC_9') },
    fc.constantFrom('w1', 'a.b', '', 'x'.repeat(128), 'x'.repeat(129), 'ä', 'busy', '200', '__proto__'),
    fc.string({ maxLength: 20 }),
  );
  const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });
  const seldom = <T>(value: fc.Arbitrary<T>) =>
    fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value });
  const headers = fc.record({
    'now-worker': optional(words),
    'now-group': optional(words),
    'now-free': optional(numbers),
    'now-service-ms': optional(numbers),
    'now-wait-ms': optional(numbers),
    'now-work-ms': optional(numbers),
    'now-status': optional(
      fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 190, max: 620 }).map(String) }, numbers),
    ),
    'now-signal': seldom(
      fc.oneof({ weight: 1, arbitrary: words }, { weight: 1, arbitrary: fc.constant('busy') }),
    ),
    'nats-service-error-code': seldom(fc.oneof(numbers, fc.constantFrom('409', '500', '0x1f4'))),
    'nats-service-error': optional(words),
    'now-code': optional(words),
    'x-fn-a': optional(words),
  });
  const outcome = (read: () => unknown): unknown => {
    try {
      return read();
    } catch (error) {
      return error instanceof CallError ? [error.code, error.message] : error;
    }
  };
  let usual = 0;
  fc.assert(
    fc.property(headers, (made) => {
      const given: Record<string, string> = Object.create(null);
      for (const [name, value] of Object.entries(made)) if (value !== undefined) given[name] = value;
      if (readUsualReply(given) !== undefined) usual++;
      assert.deepEqual(
        outcome(() => readReply(given)),
        outcome(() => readReplyBySchema(given)),
      );
    }),
    { seed: 1, numRuns: 3000 },
  );
  assert.ok(usual > 100, `${usual} of them were usual`);
});

test('every code has a page of its own and a problem document that satisfies the schema', () => {
  for (const code of Object.keys(codes) as (keyof typeof codes)[]) {
    assert.equal(problemPath(code), `/problems/${code.replaceAll('_', '-')}`);
    const problem = toProblem(new CallError(code, 'why'), { requestId: 'r', elapsedMs: 1.4 });
    assert.deepEqual(problemSchema.parse(problem), problem);
  }
});

test('only failures that nothing began and that pass are retryable', () => {
  const retryable = (error: CallError) => toProblem(error, { requestId: 'r' }).retryable;
  assert.equal(retryable(new CallError('no_responders', '')), true);
  assert.equal(retryable(new CallError('deadline_exceeded', '')), false);
  assert.equal(retryable(new CallError('deadline_exceeded', '', { started: 'no' })), true);
  assert.equal(retryable(new CallError('bad_request', '')), false);
  assert.equal(retryable(new CallError('service_error', '', { status: 503 })), false);
});

test('extra members of a problem never replace the standard ones', () => {
  const problem = toProblem(new CallError('saturated', '', { extra: { status: 200, slots: 4 } }), {
    requestId: 'r',
  });
  assert.deepEqual([problem.status, problem.slots], [503, 4]);
});

test('header names and values are judged before they cross', () => {
  assert.equal(isFunctionHeader('x-fn-width'), true);
  for (const name of ['x-fn-', 'x-fn', 'now-call', 'nats-msg-id', 'x-fn-ä', '__proto__', 'constructor']) {
    assert.equal(isFunctionHeader(name), false, name);
  }
  assert.equal(canonicalHeader('x-fn-page-size'), 'X-Fn-Page-Size');
  assert.equal(isHeaderValue('caf\u00e9\t~'), true);
  for (const value of ['a\r\nb', 'a\u0000', 'snow\u2603', 'a\u007f'])
    assert.equal(isHeaderValue(value), false);
  assert.equal(oneLine('  a\u0000b\r\n\tc '), 'a b c');
});
