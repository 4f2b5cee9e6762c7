import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import type { PostResult } from '../../load/post.ts';
import { BRIEF, problem, runLoad, serve } from './harness.ts';

const LIMIT = { timeout: 20_000 };

const MIB = Buffer.alloc(1024 * 1024);

const table: readonly [title: string, answer: RequestListener, expected: PostResult][] = [
  [
    'a result with its worker',
    (_, response) => response.writeHead(200, { 'X-Worker': 'w-1' }).end('{}'),
    { status: 200, code: 'ok', worker: 'w-1' },
  ],
  ['a result without a body', (_, response) => response.writeHead(204).end(), { status: 204, code: 'ok' }],
  [
    'a result with a problem document is still a result',
    (_, response) => problem(response, 200, { code: 'saturated', started: 'no' }),
    { status: 200, code: 'ok' },
  ],
  [
    'a problem with Retry-After',
    (_, response) =>
      problem(response, 503, { code: 'no_responders', started: 'no' }, { 'Retry-After': '10' }),
    { status: 503, code: 'no_responders', started: 'no', retryAfterS: 10 },
  ],
  [
    'a Retry-After in the past',
    (_, response) => response.writeHead(503, { 'Retry-After': 'Wed, 21 Oct 2015 07:28:00 GMT' }).end('busy'),
    { status: 503, code: 'http_503', retryAfterS: 0 },
  ],
  [
    'a Retry-After that is garbage',
    (_, response) => response.writeHead(503, { 'Retry-After': 'soon' }).end(),
    { status: 503, code: 'http_503' },
  ],
  [
    'a problem that is no JSON',
    (_, response) => problem(response, 500, '{"code":'),
    { status: 500, code: 'http_500' },
  ],
  [
    'a problem that is no object',
    (_, response) => problem(response, 500, null),
    { status: 500, code: 'http_500' },
  ],
  [
    'a problem whose members have wrong types',
    (_, response) => problem(response, 500, { code: 7, started: 'perhaps' }),
    { status: 500, code: 'http_500' },
  ],
  [
    'a problem whose code would move the cursor of a terminal',
    (_, response) => problem(response, 500, { code: '\u001b[2J', started: 'yes' }),
    { status: 500, code: 'http_500', started: 'yes' },
  ],
  [
    'a problem that is too large',
    (_, response) => problem(response, 500, { code: 'saturated', more: 'x'.repeat(100_000) }),
    { status: 500, code: 'http_500' },
  ],
  [
    'an error page',
    (_, response) => response.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad gateway</h1>'),
    { status: 502, code: 'http_502' },
  ],
  [
    'a redirection, which is not followed',
    (_, response) => response.writeHead(307, { Location: '/' }).end(),
    { status: 307, code: 'http_307' },
  ],
  [
    'a huge result',
    (_, response) => response.end(Buffer.concat([MIB, MIB, MIB])),
    { status: 200, code: 'ok' },
  ],
  [
    'a connection that is reset',
    (request) => request.socket.resetAndDestroy(),
    { status: 0, code: 'ECONNRESET' },
  ],
  [
    'a connection that is closed in the middle of an answer',
    (request, response) => {
      response.writeHead(200, { 'Content-Length': '100' }).write('begun');
      setTimeout(() => request.socket.destroy(), 5);
    },
    { status: 0, code: 'ECONNRESET' },
  ],
  [
    'an answer that is no HTTP',
    (request) => request.socket.end('ERR unknown command\r\n'),
    { status: 0, code: 'HPE_INVALID_CONSTANT' },
  ],
  ['no answer', () => {}, { status: 0, code: 'no_answer' }],
  ['an answer that does not end', (_, response) => response.write('begun'), { status: 0, code: 'no_answer' }],
];

for (const [title, answer, expected] of table) {
  test(`is told as what it is: ${title}`, LIMIT, async (t) => {
    const url = await serve(t, answer);
    // Short where it must run out, long where a slow machine must not make it run out.
    const budgetMs = expected.code === 'no_answer' ? 20 : 5000;
    const { summary, calls } = await runLoad(t, { ...BRIEF, urls: [url], budgetMs });
    assert.ok(calls.length > 5);
    for (const { n, client, url: called, dueMs, tookMs, lateMs, ...rest } of calls) {
      assert.deepEqual(rest, expected);
      assert.equal(called, url);
      assert.equal(client, 1);
      assert.ok(n >= 0 && n < calls.length);
      assert.ok(dueMs < BRIEF.durationMs && lateMs >= 0 && lateMs <= tookMs);
      // Twice the budget and a second; a timer may be a millisecond early.
      if (expected.code === 'no_answer') assert.ok(tookMs >= 1039, `gave up after ${tookMs} ms`);
    }
    const { status, code, started } = expected;
    assert.deepEqual(summary.outcomes, [
      { status, code, ...(started && { started }), count: calls.length, share: 1 },
    ]);
    assert.equal(summary.sent, calls.length);
    assert.equal(summary.results, code === 'ok' ? calls.length : 0);
  });
}

test('is told as what it is: a port where nobody listens', LIMIT, async (t) => {
  const { calls } = await runLoad(t, { ...BRIEF, urls: ['http://127.0.0.1:1'] });
  assert.ok(calls.length > 5);
  for (const { status, code } of calls) assert.deepEqual([status, code], [0, 'ECONNREFUSED']);
});
