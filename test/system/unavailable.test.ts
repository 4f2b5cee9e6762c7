import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { httpClient } from '../support/http.ts';
import { startTestServer } from '../support/nats.ts';
import { startGateway, startWorker } from '../support/processes.ts';
import { documentedClient, startSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

test('a function that nobody serves is refused at once', async (t) => {
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const client = documentedClient(t, gateway.port);
  // In its first second a gateway gives workers time to be heard.
  const early = await client.call('nobody', {});
  assert.equal(early.status, 503);
  await pause(1200);
  const answers = [];
  for (let n = 0; n < 5; n++) answers.push(await client.call('nobody', {}));
  for (const answer of answers) {
    assert.equal(answer.status, 503);
    const { code, started, retryable } = answer.problem;
    assert.deepEqual({ code, started, retryable }, { code: 'no_responders', started: 'no', retryable: true });
    assert.equal(answer.headers['retry-after'], '10');
  }
  const quickest = Math.min(...answers.map(({ elapsedMs }) => elapsedMs));
  assert.ok(quickest < 50, `the quickest took ${quickest} ms`);
});

test('without its broker a gateway says so at once, and serves again when the broker is back', async (t) => {
  const { nats, client, gateway, worker } = await startSystem(t, { worker: { handlers: ['work.mjs'] } });
  assert.equal((await client.call('work', { id: 'before' })).status, 200);
  const held = client.call('work', { id: 'held', ms: 30_000 }, { 'Request-Timeout': '1' });
  await pause(100);
  nats.kill('SIGKILL');
  await nats.exited;

  const refused = await until(
    async () => {
      const answer = await client.call('work', { id: 'while away' });
      return answer.problem.code === 'broker_unavailable' ? answer : undefined;
    },
    5000,
    'the loss of the broker was not noticed',
  );
  assert.equal(refused.status, 503);
  assert.equal(refused.problem.started, 'no');
  assert.equal(refused.problem.retryable, true);
  assert.ok(Number(refused.headers['retry-after']) >= 1);
  const again = [];
  for (let n = 0; n < 10; n++) again.push(await client.call('work', { id: 'x' }));
  assert.ok(again.every(({ problem }) => problem.code === 'broker_unavailable'));
  const quickest = Math.min(...again.map(({ elapsedMs }) => elapsedMs));
  assert.ok(quickest < 50, `the quickest took ${quickest} ms`);
  assert.equal((await held).status, 504);

  assert.equal((await client.send('/healthz', { method: 'GET' })).status, 200);
  const unready = await until(
    async () => {
      const answer = await client.send('/readyz', { method: 'GET' });
      return answer.status === 200 ? undefined : answer;
    },
    8000,
    'the gateway stayed ready',
  );
  assert.equal(unready.status, 503);
  assert.equal(unready.problem.code, 'broker_unavailable');

  const back = await startTestServer(t, { port: nats.port });
  assert.equal(back.port, nats.port);
  const startedAt = performance.now();
  await until(
    async () => {
      const answer = await client.call('work', { id: `back ${performance.now()}` });
      return answer.status === 200 ? answer : undefined;
    },
    10_000,
    'no call was served after the return of the broker',
  );
  const backMs = performance.now() - startedAt;
  assert.ok(backMs < 2500, `service was back after ${backMs} ms only`);
  assert.equal((await client.send('/readyz', { method: 'GET' })).status, 200);
  assert.equal(gateway.program.exit, undefined);
  assert.equal(worker.exit, undefined);
});

test('a gateway that starts without a broker is alive, not ready, and becomes ready', async (t) => {
  const first = await startTestServer(t);
  const { port } = first;
  await first.stop();
  const gateway = await startGateway(t, `nats://127.0.0.1:${port}`);
  const client = documentedClient(t, gateway.port);
  assert.equal((await client.send('/readyz', { method: 'GET' })).status, 503);
  assert.equal((await client.call('work', {})).problem.code, 'broker_unavailable');
  const nats = await startTestServer(t, { port });
  await startWorker(t, nats.url, { handlers: ['work.mjs'] });
  await until(
    async () => ((await client.send('/readyz', { method: 'GET' })).status === 200 ? true : undefined),
    10_000,
    'the gateway did not become ready',
  );
  assert.equal((await client.call('work', { id: 'a' })).status, 200);
});

test('a gateway that is stopping refuses what still comes on its connections, and finishes what it has', async (t) => {
  const { client, gateway, ledger } = await startSystem(t, { worker: { handlers: ['work.mjs'] } });
  // One connection each: the second is kept alive and idle.
  const running = ledger.ask(client, { ms: 800 });
  await ledger.seen((r) => r.kind === 'began');
  const idle = httpClient(t, gateway.port);
  assert.equal((await idle.send('/readyz', { method: 'GET' })).status, 200);
  gateway.program.kill('SIGTERM');
  await gateway.program.line((line) => line.signal === 'SIGTERM');
  const refused = await idle.call('work', { id: 'late' });
  assert.equal(refused.status, 503);
  const { code, started, retryable } = refused.problem;
  assert.deepEqual({ code, started, retryable }, { code: 'draining', started: 'no', retryable: true });
  assert.equal(refused.headers.connection, 'close');
  assert.equal((await running).status, 200);
  assert.deepEqual(await gateway.program.exited, { code: 0, signal: null });
});
