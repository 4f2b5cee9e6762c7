import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { type AppOptions, createApp } from '../../gateway/app.ts';
import { openapiDocument } from '../../gateway/openapi.ts';
import { systemClock } from '../../lib/clock.ts';
import { CallError } from '../../protocol/call-error.ts';
import { codes, problemPath } from '../../protocol/codes.ts';
import { problemSchema } from '../../protocol/problem.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { silentLog as log } from '../support/log.ts';
import { assertMatchesOpenapi, documentedRoutes, type SeenAnswer } from '../support/openapi.ts';

/** An app whose calls all end with `outcome`. */
function appWith(outcome: CallError | 'answer', change: Partial<AppOptions['functions']> = {}) {
  const bus = new FakeBroker({ clock: new FakeClock() }).connect();
  const answer = {
    status: 200,
    contentType: 'application/json',
    headers: { 'x-fn-a': 'b' },
    body: new TextEncoder().encode('{"a":1}'),
    worker: 'w-1',
    queueMs: 1,
    workMs: 2,
  };
  return createApp({
    functions: {
      dispatch: {
        submit(_call, settle) {
          settle(outcome === 'answer' ? answer : outcome);
          return { abandon: () => {} };
        },
      },
      bus,
      clock: systemClock,
      log,
      budget: { defaultMs: 5000, maxMs: 30_000 },
      maxBodyBytes: 100,
      maxInFlight: 10,
      isDraining: () => false,
      onEnded: () => {},
      ...change,
    },
    readiness: () => undefined,
    log,
  });
}

async function seen(response: Response): Promise<SeenAnswer> {
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  };
}

test('the app has every documented route, and documents every route it has', async () => {
  const app = appWith('answer');
  const routes = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`);
  const documented = documentedRoutes().map(({ method, path }) => {
    return `${method} ${path.replace('{function}', '*').replace(/\{(\w+)\}/, ':slug')}`;
  });
  assert.deepEqual([...new Set(routes)].sort(), documented.sort());
});

test('the documented codes are those of the wire, without the one that nobody is told', () => {
  const { components } = z
    .object({ components: z.object({ schemas: z.record(z.string(), z.unknown()) }) })
    .parse(JSON.parse(openapiDocument().json));
  const text = JSON.stringify(components.schemas);
  for (const code of Object.keys(codes)) {
    assert.equal(text.includes(`"${code}"`), code !== 'caller_gone', code);
  }
});

for (const code of Object.keys(codes) as (keyof typeof codes)[]) {
  if (code === 'caller_gone') continue;
  test(`an answer ${code} is as openapi.yaml says, and its page explains it`, async () => {
    const headers = code === 'method_not_allowed' ? { Allow: 'POST' } : {};
    const error = new CallError(code, 'because', { retryAfterS: 3, extra: extraOf(code), headers });
    const answer = await seen(await appWith(error).request('/functions/echo', { method: 'POST', body: 'x' }));
    assert.equal(answer.status, codes[code].status);
    assert.equal(problemSchema.parse(JSON.parse(answer.body)).code, code);
    assertMatchesOpenapi('POST', '/functions/echo', answer);

    for (const accept of ['text/html', 'text/plain', 'application/json']) {
      const page = await appWith(error).request(problemPath(code), { headers: { accept } });
      assert.equal(page.status, 200);
      const seenPage = await seen(page);
      assert.ok(seenPage.headers['content-type']?.startsWith(accept));
      assert.ok(seenPage.body.includes(codes[code].title), `${accept}: ${seenPage.body.slice(0, 200)}`);
      assertMatchesOpenapi('GET', problemPath(code), seenPage);
    }
  });
}

function extraOf(code: keyof typeof codes): Record<string, unknown> {
  if (code === 'payload_too_large') return { gotBytes: 2, limitBytes: 1 };
  if (code === 'saturated') return { workers: 1, slots: 1, parked: 3 };
  if (code === 'invalid_input') return { errors: [{ path: '/a', message: 'must be text' }] };
  return {};
}

test('an answer of a function is as openapi.yaml says', async () => {
  const answer = await seen(await appWith('answer').request('/functions/echo', { method: 'POST' }));
  assert.deepEqual([answer.status, answer.body, answer.headers['x-fn-a']], [200, '{"a":1}', 'b']);
  assertMatchesOpenapi('POST', '/functions/echo', answer);
});

const refusals: [what: string, path: string, init: RequestInit, status: number][] = [
  ['a name that is none', '/functions/a%2eb', { method: 'POST' }, 400],
  ['a path that is none', '/functions/a/b', { method: 'POST' }, 404],
  ['another method', '/functions/echo', { method: 'PUT' }, 405],
  ['a body that is too large', '/functions/echo', { method: 'POST', body: 'x'.repeat(101) }, 413],
  ['an encoded body', '/functions/echo', { method: 'POST', headers: { 'content-encoding': 'gzip' } }, 415],
];
for (const [what, path, init, status] of refusals) {
  test(`${what} is refused with ${status} before dispatch`, async () => {
    const answer = await seen(await appWith('answer').request(path, init));
    assert.equal(answer.status, status);
    const problem = problemSchema.parse(JSON.parse(answer.body));
    assert.deepEqual([problem.started, problem.status], ['no', status]);
    if (path === '/functions/echo' && init.method === 'POST') assertMatchesOpenapi('POST', path, answer);
  });
}

test('a gateway that drains, or lost its broker, or is full refuses at once', async () => {
  const post = { method: 'POST' };
  const lost = new FakeBroker({ clock: new FakeClock() });
  lost.stop();
  for (const [change, code] of [
    [{ isDraining: () => true }, 'draining'],
    [{ bus: lost.connect() }, 'broker_unavailable'],
    [{ maxInFlight: 0 }, 'saturated'],
  ] as const) {
    const answer = await seen(await appWith('answer', change).request('/functions/echo', post));
    assert.equal(problemSchema.parse(JSON.parse(answer.body)).code, code);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  }
});

test('the documents and the health of the gateway are as openapi.yaml says', async () => {
  for (const path of ['/openapi.yaml', '/openapi.json', '/healthz', '/readyz', '/problems']) {
    const get = await seen(await appWith('answer').request(path));
    assert.equal(get.status, 200);
    assertMatchesOpenapi('GET', path, get);
    const head = await appWith('answer').request(path, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    const wrong = await appWith('answer').request(path, { method: 'DELETE' });
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD']);
  }
  assert.deepEqual(JSON.parse(openapiDocument().json).openapi, '3.1.0');
});

test('an unknown page of a problem is 404, and nothing of the request gets into a page', async () => {
  const answer = await appWith('answer').request('/problems/<script>');
  assert.equal(answer.status, 404);
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  const page = await appWith('answer').request('/problems/saturated', { headers: { accept: 'text/html' } });
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'none'/);
  assert.doesNotMatch(await page.text(), /<script/i);
});
