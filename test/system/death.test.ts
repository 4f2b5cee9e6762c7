import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { httpClient } from '../support/http.ts';
import { type Answered, judge, Ledger, machineNow } from '../support/ledger.ts';
import { Load } from '../support/load.ts';
import { startTestServer } from '../support/nats.ts';
import { startGateway, startWorker } from '../support/processes.ts';
import { until } from '../support/until.ts';

interface Crowd {
  workers: number;
  slots: number;
  workMs?: string;
}

/** A gateway and pools of one worker process each; `pids` are those of the worker processes. */
async function startCrowd(t: TestContext, { workers: count, slots, workMs = '0' }: Crowd) {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const workers = await Promise.all(
    Array.from({ length: count }, () =>
      startWorker(t, nats.url, {
        handlers: ['work.mjs'],
        flags: ['--slots', String(slots)],
        env: { ...ledger.env(), WORK_MS: workMs },
      }),
    ),
  );
  const client = httpClient(t, gateway.port);
  // From its answer on the gateway knows a worker, and need not ask whoever listens. It is not so quick that
  // calls would be prefetched.
  assert.equal((await ledger.ask(client, { ms: 50 })).status, 200);
  const pids = workers.map(({ pid }) => ledger.workersOf(pid)[0] ?? Number.NaN);
  return { ledger, client, workers, pids };
}

/** Resolves when every run has ended, but those of processes that were killed. */
async function allEnded(ledger: Ledger, pids: readonly number[]): Promise<void> {
  const running = () => pids.flatMap((pid) => ledger.running(pid));
  await until(() => (running().length === 0 ? true : undefined), 10_000, 'runs did not end');
}

test('a worker that is killed under load costs the calls that it held, and no other', async (t) => {
  const { ledger, client, workers, pids } = await startCrowd(t, { workers: 3, slots: 30, workMs: '300-500' });
  const load = new Load(ledger, [client], 60);
  const [pid = Number.NaN, ...others] = pids;
  await until(() => (ledger.running(pid).length > 10 ? true : undefined), 10_000, 'no load on the worker');
  process.kill(pid, 'SIGKILL');
  const killedAt = machineNow();
  await pause(3000);
  const answers = await load.stop();

  const held = new Set(ledger.running(pid).map(({ id }) => id));
  assert.ok(held.size > 0);
  const failed = answers.filter(({ status }) => status !== 200);
  for (const { code, started, status, at } of failed) {
    assert.deepEqual({ code, started, status }, { code: 'worker_lost', started: 'unknown', status: 502 });
    assert.ok(at - killedAt < 3000, `told after ${at - killedAt} ms`);
  }
  const told = new Set(failed.map(({ id }) => id));
  const answeredById = new Map(answers.map((answer) => [answer.id, answer]));
  for (const id of held) assert.ok(told.has(id), `${id} was answered ${answeredById.get(id)?.status}`);
  await allEnded(ledger, others);
  assert.deepEqual(judge(ledger.read(), { killed: [pid] }), []);

  await t.test('it is started again and serves', async () => {
    const again = await until(
      () => ledger.workersOf(workers[0]?.pid ?? 0)[1],
      10_000,
      'the worker was not started again',
    );
    const after = new Load(ledger, [client], 60);
    await until(() => (ledger.began(again).length > 0 ? true : undefined), 10_000, 'it gets no calls');
    assert.ok((await after.stop()).every(({ status }) => status === 200));
  });
});

test('a worker that is stopped gets no calls, and when it goes on it runs nothing that has expired', async (t) => {
  const { ledger, client, pids } = await startCrowd(t, { workers: 3, slots: 10, workMs: '200-300' });
  // More callers than the other two have slots: they need the third as soon as it is back.
  const load = new Load(ledger, [client], 25, { budgetMs: 2000 });
  const [pid = Number.NaN] = pids;
  await until(() => (ledger.running(pid).length > 2 ? true : undefined), 10_000, 'no load on the worker');
  process.kill(pid, 'SIGSTOP');
  t.after(() => continueProcess(pid));
  const stoppedAt = machineNow();
  await pause(6500);
  process.kill(pid, 'SIGCONT');
  const continuedAt = machineNow();
  await until(
    () => (ledger.began(pid).some(({ at }) => at > continuedAt) ? true : undefined),
    10_000,
    'the worker gets no calls any more',
  );
  const answers = await load.stop();
  await allEnded(ledger, pids);
  assert.deepEqual(judge(ledger.read()), []);

  const settled = answers.filter(({ askedAt }) => askedAt > stoppedAt + 2500 && askedAt < continuedAt - 500);
  assert.ok(settled.length > 50, `${settled.length} calls`);
  assert.deepEqual(withoutGood(settled), []);
  for (const { code, started } of withoutGood(answers)) {
    assert.deepEqual({ code, started }, { code: 'deadline_exceeded', started: 'unknown' });
  }
});

test('calls wait for the worker that is left when the one that would have pulled dies', async (t) => {
  const { ledger, client, pids } = await startCrowd(t, { workers: 2, slots: 1 });
  const first = ledger.ask(client, { ms: 1500 });
  await until(() => (ledger.began().length === 2 ? true : undefined), 10_000, 'the first call did not run');
  const second = ledger.ask(client, { ms: 600 });
  await until(() => (ledger.began().length === 3 ? true : undefined), 10_000, 'the second call did not run');
  const parked = [ledger.ask(client, { ms: 50 }), ledger.ask(client, { ms: 50 })];
  // Until they are parked, and the worker of the second call has heard of it.
  await pause(200);
  const pid = ledger.began()[2]?.pid ?? Number.NaN;
  assert.notEqual(pid, ledger.began()[1]?.pid);
  process.kill(pid, 'SIGKILL');
  const outcomes = await Promise.all([first, second, ...parked]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [200, 502, 200, 200],
  );
  assert.deepEqual(judge(ledger.read(), { killed: [pid] }), []);
  assert.equal(pids.length, 2);
});

test('calls that wait for the only worker are told when it dies, or served by the next', async (t) => {
  const { ledger, client, pids } = await startCrowd(t, { workers: 1, slots: 1 });
  const first = ledger.ask(client, { ms: 4000 });
  await until(() => (ledger.began().length === 2 ? true : undefined), 10_000, 'the first call did not run');
  const parked = Array.from({ length: 5 }, () => ledger.ask(client, { ms: 20 }));
  await pause(100);
  process.kill(pids[0] ?? Number.NaN, 'SIGKILL');
  assert.equal((await first).code, 'worker_lost');
  for (const answer of withoutGood(await Promise.all(parked))) {
    assert.equal(answer.code, 'no_responders');
    assert.equal(answer.started, 'no');
  }
  assert.deepEqual(judge(ledger.read(), { killed: pids }), []);
});

function withoutGood<T extends Answered>(answers: readonly T[]): T[] {
  return answers.filter(({ status }) => status !== 200);
}

function continueProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT');
  } catch {
    // It has gone.
  }
}
