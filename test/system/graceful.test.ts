import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { headers as natsHeaders } from 'nats';
import { httpClient } from '../support/http.ts';
import { type Answered, judge, Ledger } from '../support/ledger.ts';
import { isGatewayGone, Load } from '../support/load.ts';
import { startTestServer } from '../support/nats.ts';
import { isAlive, type Program, startGateway, startWorker } from '../support/processes.ts';
import { connectRaw } from '../support/raw-nats.ts';
import { startSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const CALLERS = 120;

/** Two gateways and three pools of one worker process, with more slots than callers. */
async function startCrowd(t: TestContext) {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const worker = () =>
    startWorker(t, nats.url, {
      handlers: ['work.mjs'],
      flags: ['--slots', '50'],
      env: { ...ledger.env(), WORK_MS: '300-500' },
    });
  const gateways = await Promise.all([startGateway(t, nats.url), startGateway(t, nats.url)]);
  const workers = await Promise.all([worker(), worker(), worker()]);
  const clients = gateways.map(({ port }) => httpClient(t, port));
  return { ledger, gateways, workers, clients };
}

function assertNoneLost(answers: readonly Answered[], ledger: Ledger): void {
  const failed = answers.filter((answer) => answer.status !== 200 && !isGatewayGone(answer));
  const failedIds = new Set(failed.map(({ id }) => id));
  const theirRecords = ledger.read().filter((r) => r.kind !== 'up' && failedIds.has(r.id));
  assert.deepEqual(theirRecords, []);
  assert.deepEqual(judge(ledger.read()), []);
}

test('a worker that is told to end under load loses no call', async (t) => {
  const { ledger, workers, clients } = await startCrowd(t);
  const load = new Load(ledger, clients, CALLERS);
  const [leaving] = workers;
  const [pid = Number.NaN] = ledger.workersOf(leaving.pid);
  await until(() => (ledger.running(pid).length > 20 ? true : undefined), 10_000, 'no load on the worker');
  leaving.kill('SIGTERM');
  assert.deepEqual(await leaving.exited, { code: 0, signal: null });
  await pause(500);
  const answers = await load.stop();
  assertNoneLost(answers, ledger);
  assert.equal(isAlive(pid), false);
  assert.ok(answers.every(({ status }) => status === 200));
});

test('a gateway that is told to end under load loses no call', async (t) => {
  const { ledger, gateways, clients } = await startCrowd(t);
  const [leaving] = gateways;
  const load = new Load(ledger, clients, CALLERS);
  await until(() => (load.answers.length > CALLERS ? true : undefined), 10_000, 'no answers');
  leaving.program.kill('SIGTERM');
  assert.deepEqual(await leaving.program.exited, { code: 0, signal: null });
  await pause(500);
  assertNoneLost(await load.stop(), ledger);
});

test('a worker that is told to end answers probes until its last call has ended', async (t) => {
  const { nats, worker, client, ledger } = await startSystem(t, { worker: { handlers: ['work.mjs'] } });
  const raw = await connectRaw(t, nats.url);
  const state = raw.subscribe('now.state.*', { max: 1 });
  const running = ledger.ask(client, { ms: 1500 });
  await ledger.seen((r) => r.kind === 'began');
  let id = '';
  for await (const message of state) id = message.subject.slice('now.state.'.length);
  worker.kill('SIGTERM');
  await worker.line((line) => line.signal === 'SIGTERM');
  const headers = natsHeaders();
  const now = String(Date.now());
  const probe = { 'Now-Call': 'probe', 'Now-Gateway': 'raw', 'Now-Deadline': now, 'Now-Timeout': '0' };
  for (const [name, value] of Object.entries(probe)) headers.set(name, value);
  for (let n = 0; n < 5; n++) {
    const reply = await raw.request(`now.work.${id}.work`, '', { timeout: 2000, headers });
    assert.equal(reply.headers?.get('Now-Code'), 'bad_request');
    await pause(100);
  }
  assert.equal((await running).status, 200);
  assert.deepEqual(await worker.exited, { code: 0, signal: null });
});

test('two of three workers that are told to end at the same moment lose no call', async (t) => {
  const { ledger, workers, clients } = await startCrowd(t);
  const load = new Load(ledger, clients, 40);
  await until(() => (load.answers.length > 40 ? true : undefined), 10_000, 'no answers');
  // The third has slots for all.
  const [first, second] = workers;
  first.kill('SIGTERM');
  second.kill('SIGTERM');
  await Promise.all([first.exited, second.exited]);
  await pause(300);
  assertNoneLost(await load.stop(), ledger);
});

test('a second SIGTERM ends a program at once', async (t) => {
  const { gateway, worker, client, ledger } = await startSystem(t, { worker: { handlers: ['work.mjs'] } });
  const endAtOnce = async (program: Program) => {
    program.kill('SIGTERM');
    await program.line((line) => line.signal === 'SIGTERM');
    assert.equal(program.exit, undefined);
    const startedAt = performance.now();
    program.kill('SIGTERM');
    assert.deepEqual(await program.exited, { code: 143, signal: null });
    assert.ok(performance.now() - startedAt < 2000);
  };
  // From its answer the gateway knows the worker, so that it will notice its end.
  assert.equal((await ledger.ask(client)).status, 200);
  const call = ledger.ask(client, { ms: 20_000, budgetMs: 25_000 });
  await until(() => ledger.began()[1], 10_000, 'the call did not begin');

  await t.test('a worker, and no process of it stays behind', async () => {
    const [pid = Number.NaN] = ledger.workersOf(worker.pid);
    assert.equal(isAlive(pid), true);
    await endAtOnce(worker);
    await until(() => (isAlive(pid) ? undefined : true), 5000, 'the worker process stayed');
    const { code, started } = await call;
    assert.deepEqual({ code, started }, { code: 'worker_lost', started: 'unknown' });
  });

  await t.test('a gateway', async () => {
    const nats = await startTestServer(t);
    const other = await startGateway(t, nats.url);
    const ownLedger = new Ledger(t);
    await startWorker(t, nats.url, { handlers: ['work.mjs'], env: ownLedger.env() });
    const lost = ownLedger.ask(httpClient(t, other.port), { ms: 20_000, budgetMs: 25_000 });
    await ownLedger.seen((r) => r.kind === 'began');
    await endAtOnce(other.program);
    assert.equal((await lost).status, 0);
  });

  await endGateway(gateway.program);
});

async function endGateway(program: Program): Promise<void> {
  program.kill('SIGTERM');
  assert.deepEqual(await program.exited, { code: 0, signal: null });
}
