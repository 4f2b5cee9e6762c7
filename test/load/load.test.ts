import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Load, type LoadPause } from '../../load/load.ts';
import { Schedule } from '../../load/schedule.ts';
import { warnings } from '../../load/summary-text.ts';
import { until } from '../support/until.ts';
import { BRIEF, problem, recordedLoad, runLoad, serve } from './harness.ts';

const LIMIT = { timeout: 20_000 };
const PACE = { arrivals: { kind: 'poisson', perSecond: 200 }, seed: 7 } as const;
/** Until it is stopped. */
const ENDLESS = { ...PACE, durationMs: 60_000 };

const ok = (_: IncomingMessage, response: ServerResponse) => void response.end('ok');

/** How many calls are due before `durationMs`. */
function countDue(perSecond: number, clients: number, seed: number, durationMs: number): number {
  const schedule = new Schedule({ kind: 'poisson', perSecond }, clients, seed);
  let count = 0;
  while (schedule.take().dueMs < durationMs) count++;
  return count;
}

test('every call that is due in the time of sending is sent, by turns to each address', LIMIT, async (t) => {
  const seen = [0, 0, 0];
  const urls = await Promise.all(
    seen.map((_, i) =>
      serve(t, (_request, response) => {
        seen[i] = (seen[i] ?? 0) + 1;
        response.end();
      }),
    ),
  );
  const { summary, calls } = await runLoad(t, { ...PACE, urls, durationMs: 300 });
  const due = countDue(200, 1, PACE.seed, 300);
  assert.ok(due > 30);
  assert.equal(summary.offered, due);
  assert.equal(summary.sent, due);
  for (const { n, url } of calls) assert.equal(url, urls[n % 3]);
  assert.deepEqual(
    summary.urls.map(({ calls: count }) => count),
    seen,
  );
  assert.ok(Math.max(...seen) - Math.min(...seen) <= 1);
  assert.equal(summary.sendingMs, 300);
  assert.deepEqual(summary.goodput, { perSecond: due / 0.3, share: 1 });
});

test('body, content type, budget and headers are sent as they were given', LIMIT, async (t) => {
  const requests: { body: string; headers: IncomingMessage['headers'] }[] = [];
  const url = await serve(t, async (request, response) => {
    requests.push({ body: await text(request), headers: request.headers });
    response.end();
  });
  const { summary } = await runLoad(t, {
    ...BRIEF,
    urls: [url],
    budgetMs: 1500,
    body: (n) => ({ data: `äöü ${n}`, contentType: 'text/plain' }),
    headers: (n) => ({ 'X-Fn-Number': String(n) }),
  });
  const sent = requests.map(({ body, headers }) => [
    body,
    headers['content-type'],
    headers['request-timeout'],
    headers['x-fn-number'],
  ]);
  const expected = Array.from({ length: summary.sent }, (_, n) => [`äöü ${n}`, 'text/plain', '1.5', `${n}`]);
  assert.deepEqual(sent.sort(), expected.sort());
});

test('without options a call has no body, no content type and no budget', LIMIT, async (t) => {
  const requests: IncomingMessage[] = [];
  const url = await serve(t, (request, response) => {
    requests.push(request);
    response.end();
  });
  await runLoad(t, { ...BRIEF, urls: [url] });
  for (const { method, headers } of requests) {
    assert.equal(method, 'POST');
    assert.equal(headers['content-length'], '0');
    assert.equal(headers['content-type'], undefined);
    assert.equal(headers['request-timeout'], undefined);
  }
});

test('connections are kept and used again', LIMIT, async (t) => {
  const ports: (number | undefined)[] = [];
  const url = await serve(t, (request, response) => {
    ports.push(request.socket.remotePort);
    response.end();
  });
  const { load } = recordedLoad(t, { ...ENDLESS, urls: [url], maxInFlight: 3 });
  load.start();
  await until(() => (ports.length > 30 ? true : undefined), 10_000, 'thirty calls');
  load.stop();
  await load.done;
  const connections = new Set(ports).size;
  assert.ok(connections <= 4, `${connections} connections for ${ports.length} calls, three at a time`);
});

test('the same seed gives the same calls, another seed others', LIMIT, async (t) => {
  const url = await serve(t, ok);
  const times = async (seed: number) => {
    const { summary, calls } = await runLoad(t, { ...BRIEF, urls: [url], clients: 3, seed });
    assert.equal(summary.seed, seed);
    return calls.toSorted((a, b) => a.n - b.n).map(({ n, client, dueMs }) => [n, client, dueMs]);
  };
  const first = await times(1);
  assert.deepEqual(await times(1), first);
  assert.notDeepEqual(await times(2), first);
});

test('a server that stalls makes every call late that is due meanwhile', LIMIT, async (t) => {
  const stalled: ServerResponse[] = [];
  let isStalled = false;
  const url = await serve(t, (_, response) => {
    if (isStalled) stalled.push(response);
    else response.end();
  });
  const { load, calls } = recordedLoad(t, { ...ENDLESS, urls: [url] });
  load.start();
  await until(() => (calls.length > 5 ? true : undefined), 10_000, 'the first answers');
  isStalled = true;
  const from = load.progress().elapsedMs;
  await until(() => (stalled.length > 20 ? true : undefined), 10_000, 'twenty calls in the stall');
  load.stop();
  // Those that are still on their way to the server are answered as they come.
  isStalled = false;
  const to = load.progress().elapsedMs;
  for (const response of stalled) response.end();
  const summary = await load.done;
  const due = calls.filter(({ dueMs }) => dueMs > from);
  assert.ok(due.length > 5, `${due.length} calls were due in the stall`);
  for (const { dueMs, tookMs } of due) assert.ok(dueMs + tookMs >= to, `due ${dueMs}, took ${tookMs}`);
  const longest = Math.max(...calls.map(({ tookMs }) => tookMs));
  const told = summary.latencyMs.results?.max ?? 0;
  assert.ok(Math.abs(told / longest - 1) < 0.001, `${told} instead of ${longest}`);
});

test('a generator that is blocked counts the time from when calls were due, and warns', LIMIT, async (t) => {
  const url = await serve(t, ok);
  const { load, calls } = recordedLoad(t, { ...ENDLESS, urls: [url] });
  load.start();
  await until(() => (calls.length > 5 ? true : undefined), 10_000, 'the first answers');
  const from = load.progress().elapsedMs;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const to = load.progress().elapsedMs;
  await until(() => (calls.some(({ dueMs }) => dueMs > to) ? true : undefined), 10_000, 'a call after it');
  load.stop();
  const summary = await load.done;
  const due = calls.filter(({ dueMs }) => dueMs > from && dueMs < to);
  assert.ok(due.length > 20, `${due.length} calls were due in the block`);
  for (const { dueMs, lateMs, tookMs } of due) {
    assert.ok(dueMs + lateMs >= to, `due ${dueMs}, sent ${lateMs} late`);
    assert.ok(tookMs >= lateMs, `took ${tookMs}, sent ${lateMs} late`);
  }
  assert.ok((summary.lateMs?.p99 ?? 0) > 100, `late by ${summary.lateMs?.p99}`);
  assert.match(warnings(summary)[0] ?? '', /the generator itself was late/);
});

test('a polite client pauses as long as it is told, and only once for many refusals', LIMIT, async (t) => {
  const waiting: ServerResponse[] = [];
  let received = 0;
  const url = await serve(t, (_, response) => {
    waiting.push(response);
    // Refused together, so that each client has several refusals of calls from before its pause.
    if (++received < 20) return;
    for (const refused of waiting.splice(0)) {
      problem(refused, 503, { code: 'no_responders', started: 'no' }, { 'Retry-After': '1' });
    }
  });
  const pauses: (LoadPause & { atMs: number })[] = [];
  const options = { ...PACE, urls: [url], clients: 2, durationMs: 800, isPolite: true };
  const { load, calls } = recordedLoad(t, {
    ...options,
    onPause: (told) => pauses.push({ ...told, atMs: load.progress().elapsedMs }),
  });
  load.start();
  const summary = await load.done;
  assert.deepEqual(pauses.map(({ client }) => client).sort(), [1, 2]);
  for (const { client, ms, status, code, atMs } of pauses) {
    assert.deepEqual([ms, status, code], [1000, 503, 'no_responders']);
    assert.ok(calls.every((call) => call.client !== client || call.dueMs <= atMs));
  }
  assert.equal(summary.pauses, 2);
  assert.equal(summary.offered + summary.paused, countDue(200, 2, PACE.seed, 800));
});

test('a client goes on after its pause; the others are not held up', LIMIT, async (t) => {
  let refusedAt: number | undefined;
  const url = await serve(t, (_, response) => {
    if (refusedAt !== undefined) return void response.end();
    refusedAt = load.progress().elapsedMs;
    problem(response, 503, { code: 'saturated', started: 'no' }, { 'Retry-After': '1' });
  });
  let told = { client: 0, atMs: Number.POSITIVE_INFINITY };
  const { load, calls } = recordedLoad(t, {
    ...ENDLESS,
    urls: [url],
    clients: 2,
    isPolite: true,
    onPause({ client }) {
      told = { client, atMs: load.progress().elapsedMs };
    },
  });
  load.start();
  const after = () => calls.find(({ client, dueMs }) => client === told.client && dueMs > told.atMs);
  const { dueMs: backAt } = await until(after, 10_000, 'a call after the pause');
  load.stop();
  assert.ok(backAt >= (refusedAt ?? 0) + 1000, `paused from ${refusedAt} to ${backAt}`);
  const meanwhile = calls.filter(({ dueMs }) => dueMs > told.atMs && dueMs < backAt);
  assert.ok(meanwhile.length > 20 && meanwhile.every(({ client }) => client !== told.client));
  assert.equal((await load.done).pauses, 1);
});

test('who is not polite does not pause', LIMIT, async (t) => {
  const url = await serve(t, (_, response) => problem(response, 503, {}, { 'Retry-After': '1' }));
  const { summary } = await runLoad(t, { ...BRIEF, urls: [url] });
  assert.deepEqual([summary.pauses, summary.paused], [0, 0]);
  assert.equal(summary.offered, countDue(200, 1, BRIEF.seed, BRIEF.durationMs));
});

test('what is due while too many calls are under way is not sent, and counted', LIMIT, async (t) => {
  let received = 0;
  const url = await serve(t, () => received++);
  const { load, calls } = recordedLoad(t, { ...BRIEF, urls: [url], maxInFlight: 3 });
  load.start();
  const due = countDue(200, 1, BRIEF.seed, BRIEF.durationMs);
  await until(() => (calls.length === due - 3 && received === 3 ? true : undefined), 5000, 'calls not sent');
  assert.equal(load.inFlight, 3);
  load.abort();
  const summary = await load.done;
  assert.deepEqual(
    summary.outcomes.map(({ status, code, count }) => [status, code, count]),
    [
      [0, 'not_sent', due - 3],
      [0, 'aborted', 3],
    ],
  );
  assert.deepEqual([summary.offered, summary.sent, summary.notSent], [due, 3, due - 3]);
  assert.equal(load.inFlight, 0);
  assert.match(warnings(summary).at(-1) ?? '', /calls were not sent/);
});

test('a stopped load sends no more and still waits for its answers', LIMIT, async (t) => {
  const waiting: ServerResponse[] = [];
  const url = await serve(t, (_, response) => waiting.push(response));
  const { load, calls } = recordedLoad(t, { ...ENDLESS, urls: [url] });
  load.start();
  await until(() => (waiting.length > 2 ? true : undefined), 5000, 'three calls');
  load.stop();
  const { sent, leftMs } = load.progress();
  assert.equal(leftMs, 0);
  await until(() => (waiting.length === sent ? true : undefined), 5000, 'all calls that were sent');
  assert.deepEqual(calls, []);
  for (const response of waiting) response.end();
  const summary = await load.done;
  assert.deepEqual([summary.sent, summary.results], [sent, sent]);
  assert.ok(summary.sendingMs < 60_000 && summary.tookMs >= summary.sendingMs);
});

test('a load that is stopped before it was started is done and has sent nothing', LIMIT, async () => {
  const load = new Load({ ...BRIEF, urls: ['http://127.0.0.1:1'] });
  load.stop();
  load.start();
  const summary = await load.done;
  assert.deepEqual([summary.offered, summary.outcomes, summary.latencyMs], [0, [], {}]);
  assert.deepEqual(summary.goodput, { perSecond: 0, share: 0 });
});

test('options that cannot be followed are refused', () => {
  const urls = ['http://127.0.0.1:1'];
  assert.throws(() => new Load({ ...BRIEF, urls: [] }), RangeError);
  assert.throws(() => new Load({ ...BRIEF, urls: ['nowhere'] }), TypeError);
  assert.throws(() => new Load({ ...BRIEF, urls, clients: 0 }), RangeError);
  assert.throws(() => new Load({ ...BRIEF, urls, durationMs: 0 }), RangeError);
  assert.throws(() => new Load({ ...BRIEF, urls, arrivals: { kind: 'uniform', maxMs: 0 } }), RangeError);
});
