import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { z } from 'zod';
import { freePort } from '../../lib/free-port.ts';
import type { HttpClient } from '../support/http.ts';
import { httpClient } from '../support/http.ts';
import { judge, Ledger } from '../support/ledger.ts';
import { Load } from '../support/load.ts';
import { startTestServer } from '../support/nats.ts';
import { isAlive, Program, startWorker } from '../support/processes.ts';
import { connectRaw } from '../support/raw-nats.ts';
import { until } from '../support/until.ts';

const LISTENS = 'a gateway process listens';
const LIMIT = { timeout: 120_000 };

/** A gateway process, as its parent names it in its log. */
const childSchema = z.object({ process: z.int(), id: z.string() });
type Child = z.infer<typeof childSchema>;

/** A broker, a worker that writes a ledger, and a gateway of two processes. */
async function startPair(t: TestContext, { workMs = '0', flags = [] as readonly string[] } = {}) {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const adminPort = await freePort();
  const args = ['gateway', '--nats-url', nats.url, '--port', '0', '--admin-port', String(adminPort)];
  const [gateway] = await Promise.all([
    Program.start(t, [...args, '--processes', '2', ...flags]),
    startWorker(t, nats.url, {
      handlers: ['work.mjs'],
      flags: ['--slots', '200'],
      env: { ...ledger.env(), WORK_MS: workMs },
    }),
  ]);
  const ready = await gateway.line((line) => line.msg === 'ready');
  const port = z.int().parse(ready.port);
  const known: Child[] = [];
  /** Each process that has ever listened, in order. */
  const children = (): Child[] => {
    known.splice(0, known.length, ...gateway.lines().filter(isListening).map(toChild));
    return known;
  };
  t.after(() => {
    for (const { process: pid } of children()) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  return { ledger, nats, adminPort, gateway, port, ready, children };
}

const isListening = (line: Readonly<Record<string, unknown>>) => line.msg === LISTENS;
const toChild = (line: unknown) => childSchema.parse(line);

/** Which gateway sent which call, as seen on the wire. */
async function watchGateways(t: TestContext, natsUrl: string): Promise<ReadonlyMap<string, string>> {
  const seen = new Map<string, string>();
  const raw = await connectRaw(t, natsUrl);
  const onMessage = (message: { data: Uint8Array; headers?: { get(name: string): string } | undefined }) => {
    const gateway = message.headers?.get('Now-Gateway');
    if (!gateway || message.data.length === 0) return;
    const { id } = z.object({ id: z.string() }).parse(JSON.parse(new TextDecoder().decode(message.data)));
    seen.set(id, gateway);
  };
  for (const subject of ['now.work.*.work', 'now.call.work']) {
    raw.subscribe(subject, { callback: (_error, message) => onMessage(message) });
  }
  await raw.flush();
  return seen;
}

async function admin(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { Connection: 'close' } });
  return { status: response.status, text: await response.text() };
}

/** The value of a sample; `name` has its labels. */
function sample(text: string, name: string): number {
  const line = text.split('\n').find((line) => line.startsWith(`${name} `));
  return Number(line?.slice(name.length));
}

/** One caller with open connections, and one that opens one for each call. */
function bothClients(t: TestContext, port: number): HttpClient[] {
  return [httpClient(t, port), httpClient(t, port, undefined, false)];
}

test('two processes share the calls, and the admin listener sums their metrics', LIMIT, async (t) => {
  const { ledger, nats, adminPort, ready, port, children } = await startPair(t);
  assert.equal(ready.processes, 2);
  assert.equal(ready.adminPort, adminPort);
  const gateways = await watchGateways(t, nats.url);
  const load = new Load(ledger, bothClients(t, port), 20);
  const ids = children()
    .map(({ id }) => id)
    .sort();
  await until(
    () => (new Set(gateways.values()).size === 2 && load.answers.length > 500 ? true : undefined),
    60_000,
    'calls of both gateways',
  );
  const answers = await load.stop();
  assert.deepEqual([...new Set(gateways.values())].sort(), ids);
  assert.deepEqual(judge(ledger.read()), []);
  assert.deepEqual(
    answers.filter(({ status }) => status !== 200),
    [],
  );
  const { text } = await admin(adminPort, '/metrics');
  assert.equal(
    sample(text, 'now_or_never_calls_total{function="work",code="ok",started="yes"}'),
    answers.length,
  );
  const count = 'now_or_never_call_duration_seconds_count{function="work",result="answered"}';
  assert.equal(sample(text, count), answers.length);
  assert.equal(sample(text, 'now_or_never_gateway_processes'), 2);
  // The worker tells both the same.
  assert.equal(sample(text, 'now_or_never_workers{function="work",group="workers"}'), 1);
  assert.equal(sample(text, 'now_or_never_worker_slots{function="work",group="workers"}'), 200);
  assert.equal(sample(text, 'now_or_never_nats_connected'), 1);
});

test('a process that is killed costs its own calls only, and is back soon', LIMIT, async (t) => {
  const { ledger, nats, adminPort, gateway, port, children } = await startPair(t, { workMs: '20-60' });
  const gateways = await watchGateways(t, nats.url);
  const load = new Load(ledger, bothClients(t, port), 40);
  await until(
    () => (new Set(gateways.values()).size === 2 && load.answers.length > 200 ? true : undefined),
    60_000,
    'calls of both gateways',
  );
  const [victim, survivor] = children();
  if (victim === undefined || survivor === undefined) throw new Error('there are not two processes');
  process.kill(victim.process, 'SIGKILL');
  const died = await gateway.line((line) => line.msg === 'a gateway process died');
  assert.equal(died.reason, 'was ended by SIGKILL');
  assert.ok(Number(died.delayMs) <= 1000);
  const third = await until(() => children()[2], 20_000, 'a third process');
  await until(
    () => ([...gateways.values()].includes(third.id) ? true : undefined),
    60_000,
    'calls of the third process',
  );
  const answers = await load.stop();
  const lost = answers.filter(({ status }) => status !== 200);
  // Of a call that never was on the wire nobody knows whose it was; each caller had one call.
  const others = lost.filter(({ id }) => ![victim.id, undefined].includes(gateways.get(id)));
  assert.deepEqual(others, []);
  assert.ok(lost.length <= 40, `${lost.length} were lost`);
  assert.deepEqual(
    lost.filter(({ status }) => status !== 0),
    [],
  );
  const { text } = await admin(adminPort, '/metrics');
  assert.equal(sample(text, 'now_or_never_gateway_processes'), 2);
  assert.ok(isAlive(survivor.process));
});

test('SIGHUP replaces both processes under load, and no call is lost', LIMIT, async (t) => {
  const { ledger, nats, adminPort, gateway, port, children } = await startPair(t);
  const gateways = await watchGateways(t, nats.url);
  const load = new Load(ledger, bothClients(t, port), 30);
  const more = (calls: number) => {
    const enough = load.answers.length + calls;
    return until(() => (load.answers.length >= enough ? true : undefined), 60_000, `${calls} more answers`);
  };
  await more(500);
  const old = children().slice();
  const before = sample((await admin(adminPort, '/metrics')).text, 'process_cpu_seconds_total');
  gateway.kill('SIGHUP');
  await gateway.line((line) => line.msg === 'all processes replaced', 60_000);
  await more(1500);
  const fresh = children().slice(2);
  assert.equal(fresh.length, 2);
  assert.deepEqual(
    old.filter(({ process: pid }) => isAlive(pid)),
    [],
  );
  const { text } = await admin(adminPort, '/metrics');
  const answers = await load.stop();
  assertNoneLost(answers, ledger);
  assert.ok(answers.length > 2000);
  for (const { id } of [...old, ...fresh]) assert.ok([...gateways.values()].includes(id), `calls of ${id}`);
  // Counters go on where those of the old processes ended.
  assert.ok(sample(text, 'process_cpu_seconds_total') > before);
  const { text: last } = await admin(adminPort, '/metrics');
  assert.equal(
    sample(last, 'now_or_never_calls_total{function="work",code="ok",started="yes"}'),
    answers.filter(({ status }) => status === 200).length,
  );
});

/**
 * Every call was answered 200. But that a connection is closed that was idle while its process drained, and that the
 * next request meets that, is in the nature of HTTP/1.1: nothing of it was taken, which the ledger proves.
 */
function assertNoneLost(answers: readonly { status: number; code?: string | undefined }[], ledger: Ledger) {
  assert.deepEqual(
    answers.filter(({ status, code }) => status !== 200 && code !== 'STALE_CONNECTION'),
    [],
  );
  const stale = answers.filter(({ code }) => code === 'STALE_CONNECTION');
  assert.ok(stale.length <= 2, `${stale.length} met a closed connection`);
  assert.deepEqual(judge(ledger.read()), []);
}

test('SIGHUP without a broker keeps the old processes', LIMIT, async (t) => {
  const { nats, gateway, children } = await startPair(t);
  await nats.stop();
  gateway.kill('SIGHUP');
  const line = await gateway.line((line) => /^not all processes replaced/.test(String(line.msg)), 60_000);
  assert.match(JSON.stringify(line), /has lost its connection to NATS/);
  for (const { process: pid } of children().slice(0, 2)) assert.ok(isAlive(pid));
  await until(
    () =>
      children()
        .slice(2)
        .some((child) => isAlive(child.process))
        ? undefined
        : true,
    10_000,
    'the end of the fresh process',
  );
});

test('SIGTERM ends all of it: calls are answered, no process and no port is left', LIMIT, async (t) => {
  const { ledger, adminPort, gateway, port, children } = await startPair(t);
  const running = ledger.ask(httpClient(t, port), { ms: 1000 });
  await ledger.seen((r) => r.kind === 'began');
  gateway.kill('SIGTERM');
  await gateway.line((line) => line.signal === 'SIGTERM');
  assert.equal((await admin(adminPort, '/readyz')).status, 503);
  assert.equal((await running).status, 200);
  assert.deepEqual(await gateway.exited, { code: 0, signal: null });
  assert.deepEqual(
    children().filter(({ process: pid }) => isAlive(pid)),
    [],
  );
  for (const closed of [port, adminPort]) await assert.rejects(fetch(`http://127.0.0.1:${closed}/healthz`));
});

test('when the parent is killed, its processes answer what they have and end', LIMIT, async (t) => {
  const { ledger, gateway, port, children } = await startPair(t);
  const running = ledger.ask(httpClient(t, port), { ms: 1000 });
  await ledger.seen((r) => r.kind === 'began');
  const pids = children().map(({ process: pid }) => pid);
  gateway.kill('SIGKILL');
  assert.equal((await running).status, 200);
  await until(() => (pids.some(isAlive) ? undefined : true), 10_000, 'the end of both');
  await assert.rejects(fetch(`http://127.0.0.1:${port}/healthz`));
});

test('it is ready while one of its processes is', LIMIT, async (t) => {
  const { adminPort, children } = await startPair(t);
  const readyz = async (wanted: number) => {
    assert.equal((await admin(adminPort, '/readyz')).status, wanted);
    assert.equal((await admin(adminPort, '/healthz')).status, 200);
  };
  const [first, second] = children().map(({ process: pid }) => pid);
  if (first === undefined || second === undefined) throw new Error('there are not two processes');
  await readyz(200);
  process.kill(first, 'SIGSTOP');
  await readyz(200);
  process.kill(second, 'SIGSTOP');
  await readyz(503);
  const { status, text } = await admin(adminPort, '/metrics');
  assert.equal(status, 200);
  assert.ok(text.includes('now_or_never_gateway_processes'));
  process.kill(first, 'SIGCONT');
  await until(
    async () => ((await admin(adminPort, '/readyz')).status === 200 ? true : undefined),
    10_000,
    'readiness',
  );
  process.kill(second, 'SIGCONT');
});

test('a taken port is one line, and exit code 1', LIMIT, async (t) => {
  const { nats, port } = await startPair(t);
  const args = ['gateway', '--nats-url', nats.url, '--port', String(port), '--admin-port', '0'];
  await assert.rejects(
    Program.start(t, [...args, '--processes', '2']),
    new RegExp(`now-or-never gateway: port ${port} on 127.0.0.1 is taken`),
  );
});
