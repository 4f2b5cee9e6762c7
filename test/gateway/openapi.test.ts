import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { createApp } from '../../gateway/app.ts';
import { appServer } from '../../gateway/app-server.ts';
import { openapiDocument } from '../../gateway/openapi.ts';
import { FunctionCalls, type FunctionCallsOptions } from '../../gateway/routes/functions.ts';
import { systemClock } from '../../lib/clock.ts';
import { LogSampler } from '../../lib/log-sampler.ts';
import { CallError } from '../../protocol/call-error.ts';
import { codes, problemPath } from '../../protocol/codes.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';
import type { HttpClient, SentRequest } from '../support/http.ts';
import { silentLog as log } from '../support/log.ts';
import { documentedRoutes } from '../support/openapi.ts';
import { documentedClient } from '../support/system.ts';

/** An app whose calls all end with `outcome`. */
function appWith(outcome: CallError | 'answer', change: Partial<FunctionCallsOptions> = {}) {
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
  const calls = new FunctionCalls({
    dispatch: {
      submit(_call, caller) {
        caller.settle(outcome === 'answer' ? answer : outcome);
        return { abandon: () => {} };
      },
    },
    bus,
    clock: systemClock,
    log,
    budget: { defaultMs: 5000, maxMs: 30_000 },
    overload: { latenessMs: 0, refuses: () => false },
    failureLog: new LogSampler(systemClock),
    maxBodyBytes: 100,
    maxInFlight: 10,
    isDraining: () => false,
    onEnded: () => {},
    ...change,
  });
  return { app: createApp({ readiness: { refusal: () => undefined }, log }), calls };
}

/** The same app on a port; its answers are all held against openapi.yaml. */
async function clientWith(t: TestContext, ...of: Parameters<typeof appWith>): Promise<HttpClient> {
  const server = appServer({
    ...appWith(...of),
    name: 'http',
    host: '127.0.0.1',
    port: 0,
    log,
    clock: systemClock,
  });
  await server.start();
  t.after(() => server.stop());
  return documentedClient(t, server.port);
}

test('the app has every documented route, and documents every route it has', async () => {
  const { app } = appWith('answer');
  const routes = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`);
  const documented = documentedRoutes().map(({ method, path }) => {
    return `${method} ${path.replace('{function}', '*').replace(/\{(\w+)\}/, ':slug')}`;
  });
  // Calls are answered beside the app.
  assert.deepEqual([...new Set([...routes, 'POST /functions/*'])].sort(), documented.sort());
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
  test(`an answer ${code} is as openapi.yaml says, and its page explains it`, async (t) => {
    const headers = code === 'method_not_allowed' ? { Allow: 'POST' } : {};
    const error = new CallError(code, 'because', { retryAfterS: 3, extra: extraOf(code), headers });
    const client = await clientWith(t, error);
    const answer = await client.send('/functions/echo', { body: 'x' });
    assert.equal(answer.status, codes[code].status);
    assert.equal(answer.problem.code, code);

    for (const accept of ['text/html', 'text/plain', 'application/json']) {
      const page = await client.send(problemPath(code), { method: 'GET', headers: { accept } });
      assert.equal(page.status, 200);
      assert.ok(page.headers['content-type']?.startsWith(accept));
      assert.ok(page.text.includes(codes[code].title), `${accept}: ${page.text.slice(0, 200)}`);
    }
  });
}

function extraOf(code: keyof typeof codes): Record<string, unknown> {
  if (code === 'payload_too_large') return { gotBytes: 2, limitBytes: 1 };
  if (code === 'saturated') return { workers: 1, slots: 1, parked: 3 };
  if (code === 'invalid_input') return { errors: [{ path: '/a', message: 'must be text' }] };
  return {};
}

test('an answer of a function is as openapi.yaml says', async (t) => {
  const client = await clientWith(t, 'answer');
  const answer = await client.send('/functions/echo');
  assert.deepEqual([answer.status, answer.text, answer.headers['x-fn-a']], [200, '{"a":1}', 'b']);
});

test('the request id of the caller is kept in every answer, and an invalid one is replaced', async (t) => {
  const client = await clientWith(t, 'answer');
  const paths = ['/functions/echo', '/functions/a%2eb', '/nowhere', '/healthz'];
  // `a:99999` gets past the framing: only the URL made of it is not valid.
  for (const [path, host] of [...paths.map((path) => [path, 'a']), ['/functions/echo', 'a:99999']] as const) {
    const own = await client.send(path ?? '', { headers: { host, 'x-request-id': 'mine-1' } });
    assert.equal(own.headers['x-request-id'], 'mine-1', `${path} of ${host}`);
    const other = await client.send(path ?? '', { headers: { host, 'x-request-id': 'not mine' } });
    assert.match(String(other.headers['x-request-id']), /^[\w-]{16}$/);
  }
});

const refusals: [what: string, path: string, request: SentRequest, status: number][] = [
  ['a name that is none', '/functions/a%2eb', { method: 'POST' }, 400],
  ['a path that is none', '/functions/a/b', { method: 'POST' }, 404],
  ['another method', '/functions/echo', { method: 'PUT' }, 405],
  ['a body that is too large', '/functions/echo', { method: 'POST', body: 'x'.repeat(101) }, 413],
  ['an encoded body', '/functions/echo', { method: 'POST', headers: { 'content-encoding': 'gzip' } }, 415],
];
for (const [what, path, request, status] of refusals) {
  test(`${what} is refused with ${status} before dispatch`, async (t) => {
    const client = await clientWith(t, 'answer');
    const { problem } = await client.send(path, request);
    assert.deepEqual([problem.started, problem.status], ['no', status]);
  });
}

test('a gateway that drains, or lost its broker, or is full refuses at once', async (t) => {
  const lost = new FakeBroker({ clock: new FakeClock() });
  lost.stop();
  for (const [change, code] of [
    [{ isDraining: () => true }, 'draining'],
    [{ bus: lost.connect() }, 'broker_unavailable'],
    [{ maxInFlight: 0 }, 'saturated'],
  ] as const) {
    const client = await clientWith(t, 'answer', change);
    const answer = await client.send('/functions/echo');
    assert.equal(answer.problem.code, code);
    assert.ok(Number(answer.headers['retry-after']) > 0);
  }
});

test('the documents and the health of the gateway are as openapi.yaml says', async (t) => {
  const client = await clientWith(t, 'answer');
  for (const path of ['/openapi.yaml', '/openapi.json', '/healthz', '/readyz', '/problems']) {
    const get = await client.send(path, { method: 'GET' });
    assert.equal(get.status, 200);
    const head = await client.send(path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    const wrong = await client.send(path, { method: 'DELETE' });
    assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD']);
  }
  assert.deepEqual(JSON.parse(openapiDocument().json).openapi, '3.1.0');
});

test('an unknown page of a problem is 404, and nothing of the request gets into a page', async (t) => {
  const client = await clientWith(t, 'answer');
  const answer = await client.send('/problems/<script>', { method: 'GET' });
  assert.equal(answer.status, 404);
  assert.equal(answer.problem.code, 'not_found');
  const page = await client.send('/problems/saturated', { method: 'GET', headers: { accept: 'text/html' } });
  assert.match(String(page.headers['content-security-policy']), /default-src 'none'/);
  assert.doesNotMatch(page.text, /<script/i);
});
