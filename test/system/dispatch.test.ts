import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import test, { type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsServer } from '../../lib/nats-server.ts';
import { httpClient } from '../support/http.ts';
import { type Answered, judge, Ledger } from '../support/ledger.ts';
import { Load } from '../support/load.ts';
import { startTestServer } from '../support/nats.ts';
import { handlerPath, startGateway, startWorker } from '../support/processes.ts';
import { seededRandom } from '../support/random.ts';
import { until } from '../support/until.ts';

interface Slow {
  slots: number;
  workMs: string;
  group?: string;
  nodeFlags?: readonly string[];
}

function startWork(t: TestContext, nats: NatsServer, ledger: Ledger, options: Slow) {
  const { slots, workMs, group = 'workers', nodeFlags = [] } = options;
  return startWorker(t, nats.url, {
    handlers: ['work.mjs'],
    flags: ['--slots', String(slots), '--group', group],
    env: { ...ledger.env(group), WORK_MS: workMs },
    nodeFlags,
  });
}

function statuses(answers: readonly Answered[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, code } of answers) {
    const key = `${status} ${code ?? ''}`.trim();
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

test('a slow and a fast worker together serve what they can serve in time', async (t) => {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  await Promise.all([
    startWork(t, nats, ledger, { slots: 1, workMs: '200-240' }),
    startWork(t, nats, ledger, { slots: 1, workMs: '50' }),
  ]);
  const client = httpClient(t, gateway.port);
  // A machine that is busy with other things spoils rounds. Even then a plain queue group is far below this.
  const enough = () => ((loadavg()[0] ?? 0) > 1.5 * availableParallelism() ? 0.8 : 0.98);
  const shares: number[] = [];
  for (let round = 0; round < 3 && (shares.at(-1) ?? 0) < enough(); round++) {
    const answers = await askAtRandom(() => ledger.ask(client, { budgetMs: 500 }));
    shares.push(answers.filter(({ status }) => status === 200).length / answers.length);
    t.diagnostic(JSON.stringify(statuses(answers)));
  }
  await until(() => (allEnded(ledger) ? true : undefined), 5000, 'runs did not end');
  assert.deepEqual(judge(ledger.read()), []);
  assert.ok((shares.at(-1) ?? 0) >= enough(), `answered in time: ${shares.join(', ')}`);
});

/** Eight seconds of Poisson arrivals, 15 a second; the trace does not wait for answers. */
async function askAtRandom(ask: () => Promise<Answered>): Promise<Answered[]> {
  const random = seededRandom(7);
  const asked: Promise<Answered>[] = [];
  let at = performance.now();
  for (let n = 0; n < 120; n++) {
    at += -Math.log(1 - random()) * (1000 / 15);
    await pause(Math.max(0, at - performance.now()));
    asked.push(ask());
  }
  return Promise.all(asked);
}

test('a gateway that is started beside busy workers has its calls served', async (t) => {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const first = await startGateway(t, nats.url);
  await startWork(t, nats, ledger, { slots: 4, workMs: '100-150' });
  const load = new Load(ledger, [httpClient(t, first.port)], 12);
  await until(() => (load.answers.length > 30 ? true : undefined), 10_000, 'no answers');
  const second = await startGateway(t, nats.url);
  const client = httpClient(t, second.port);
  const cold = await Promise.all(Array.from({ length: 20 }, () => ledger.ask(client)));
  assert.deepEqual(statuses(cold), { '200': 20 });
  assert.deepEqual(statuses(await load.stop()), { '200': load.answers.length });
  assert.deepEqual(judge(ledger.read()), []);
});

test('four gateways share workers that are all busy', async (t) => {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const gateways = await Promise.all([1, 2, 3, 4].map(() => startGateway(t, nats.url)));
  await Promise.all([1, 2].map(() => startWork(t, nats, ledger, { slots: 5, workMs: '100-150' })));
  const loads = gateways.map(({ port }) => new Load(ledger, [httpClient(t, port)], 5));
  await pause(2500);
  const answers = await Promise.all(loads.map((load) => load.stop()));
  const counts = answers.map(({ length }) => length);
  for (const own of answers) assert.deepEqual(statuses(own), { '200': own.length });
  assert.deepEqual(judge(ledger.read()), []);
  // 10 slots and 125 ms: 80 calls a second. None is starved, and the slots are used.
  assert.ok(Math.min(...counts) >= 0.4 * Math.max(...counts), `shares: ${counts.join(', ')}`);
});

test('each of two groups runs every call once, and the caller gets one answer', async (t) => {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const groups = ['index', 'audit'];
  // Two processes each, few slots: calls are pushed, parked and pulled in both.
  await Promise.all(
    groups.flatMap((group) =>
      [1, 2].map(() => startWork(t, nats, ledger, { slots: 2, workMs: '10-40', group })),
    ),
  );
  const client = httpClient(t, gateway.port);
  const answers = await Promise.all(Array.from({ length: 80 }, () => ledger.ask(client)));
  assert.deepEqual(statuses(answers), { '200': 80 });
  await until(() => (ledger.began().length === 160 ? true : undefined), 5000, 'a group is owed calls');
  await until(() => (allEnded(ledger) ? true : undefined), 5000, 'runs did not end');
  assert.deepEqual(judge(ledger.read(), { groups }), []);
});

test('a worker whose clock is an hour ahead behaves like any other', async (t) => {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const preload = ['--import', handlerPath('_hour-ahead.mjs')];
  const program = await startWork(t, nats, ledger, { slots: 2, workMs: '20', nodeFlags: preload });
  const started = await program.line((line) => line.msg === 'ready');
  const aheadMs = Date.parse(String(started.time)) - Date.now();
  assert.ok(aheadMs > 3_500_000, `its clock is ${aheadMs} ms ahead`);
  const gateway = await startGateway(t, nats.url);
  const client = httpClient(t, gateway.port);
  const answers = await Promise.all(Array.from({ length: 40 }, () => ledger.ask(client, { budgetMs: 3000 })));
  assert.deepEqual(statuses(answers), { '200': 40 });

  await t.test('calls that it could not begin in time while it was stopped are not run', async () => {
    const [pid = Number.NaN] = ledger.workersOf(program.pid);
    process.kill(pid, 'SIGSTOP');
    const late = await Promise.all([1, 2, 3].map(() => ledger.ask(client, { budgetMs: 500 })));
    await pause(500);
    process.kill(pid, 'SIGCONT');
    assert.ok(late.every(({ status }) => status === 504));
    await until(
      async () => ((await ledger.ask(client)).status === 200 ? true : undefined),
      5000,
      'it serves no more',
    );
    assert.deepEqual(judge(ledger.read()), []);
    const began = new Set(ledger.began().map(({ id }) => id));
    assert.deepEqual(
      late.filter(({ id }) => began.has(id)),
      [],
    );
  });
});

function allEnded(ledger: Ledger): boolean {
  const records = ledger.read();
  const count = (kind: string) => records.filter((r) => r.kind === kind).length;
  return count('began') === count('ended');
}
