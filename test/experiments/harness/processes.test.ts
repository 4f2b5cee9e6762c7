import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Broker } from '../../../experiments/harness/broker.ts';
import { startGateway } from '../../../experiments/harness/gateway.ts';
import { startGenerator } from '../../../experiments/harness/generator/start.ts';
import { Job, type JobSettings } from '../../../experiments/harness/job.mjs';
import { readLedgers, runsOf } from '../../../experiments/harness/ledger.ts';
import { Processes } from '../../../experiments/harness/processes.ts';
import { startOurWorker } from '../../../experiments/harness/workers.ts';
import { serve } from '../../load/harness.ts';
import { isAlive } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

const LIMIT_MS = 10_000;
const EMPTY = { 'Content-Length': '0' };

function processesOf(t: TestContext): Processes {
  const processes = new Processes(process.env);
  t.after(() => processes.end());
  return processes;
}

test('what was started ends with all that it started itself, and the folder goes', async (t) => {
  const processes = processesOf(t);
  const shell = processes.spawn('worker', 'shell', 'sh', { args: ['-c', 'sleep 60 & echo $!; wait'] });
  const sleeper = Number(await shell.until('prints', LIMIT_MS, () => shell.lines[0]));
  assert.ok(isAlive(shell.pid) && isAlive(sleeper) && existsSync(processes.folder));
  await processes.end();
  assert.deepEqual(shell.exit, { code: null, signal: 'SIGKILL' });
  await until(() => !isAlive(sleeper) || undefined, LIMIT_MS, 'the end of what it started');
  assert.equal(existsSync(processes.folder), false);
  assert.throws(() => processes.spawn('worker', 'late', 'sh'), /the run has ended/);
});

test('waiting for a process that ends, or that cannot be started, fails with its last words', async (t) => {
  const processes = processesOf(t);
  const never = () => undefined;
  const shell = processes.spawn('worker', 'shell', 'sh', { args: ['-c', 'echo no luck >&2; exit 3'] });
  await assert.rejects(shell.until('serves', LIMIT_MS, never), /^Error: shell ended: no luck$/);
  const nobody = processes.spawn('worker', 'nobody', '/there/is/no/program');
  await assert.rejects(nobody.until('serves', LIMIT_MS, never), /^Error: nobody ended: spawn .*ENOENT$/);
});

test('only PATH, HOME and TMPDIR of the environment are passed on', async (t) => {
  const processes = new Processes({ PATH: process.env.PATH, PORT: '1' });
  t.after(() => processes.end());
  const shell = processes.spawn('worker', 'shell', 'sh', {
    args: ['-c', 'echo "[$PORT] [$OWN]"'],
    env: { OWN: 'a' },
  });
  assert.equal(await shell.until('prints', LIMIT_MS, () => shell.lines[0]), '[] [a]');
});

test('processor time is counted by role, with what a process has started', {
  skip: !existsSync('/proc/self/stat'),
}, async (t) => {
  const processes = processesOf(t);
  processes.spawn('worker', 'busy', 'sh', { args: ['-c', '(while :; do :; done) & wait'] });
  processes.spawn('gateway', 'idle', 'sleep', { args: ['60'] });
  const used = await until(
    () => {
      const us = processes.processorUs();
      return (us.get('worker') ?? 0) >= 100_000 ? us : undefined;
    },
    LIMIT_MS,
    'a tenth of a second of processor time',
  );
  assert.ok((used.get('gateway') ?? 0) < 50_000);
});

test('a generator in a process of its own calls when calls are due, and tells what became of each', async (t) => {
  const seen: string[] = [];
  const url = await serve(t, (request, response) => {
    seen.push(String(request.headers['x-fn-call']));
    if (request.headers['x-fn-call'] === '1') response.writeHead(503, EMPTY).end();
    else if (request.headers['x-fn-call'] !== '2') response.writeHead(200, EMPTY).end();
  });
  const at = (id: number) => ({ id, at: 40 * id, size: 1, gateway: 0 });
  const trace = { deadlineMs: 300, leadInMs: 10, endMs: 200, gateways: 1, calls: [0, 1, 2, 3].map(at) };
  const processes = processesOf(t);
  const caller = { kind: 'http' as const, urls: [`${url}/job`], subject: 'job', deadlineMs: 300 };
  const generator = await startGenerator(processes, trace, { caller, warmUp: { inFlight: 2, ms: 100 } });
  assert.ok(seen.length > 2 && seen.every((id) => Number(id) < 0), 'warmed up');
  seen.length = 0;
  await generator.play().done;
  const calls = await generator.calls();
  assert.deepEqual(
    calls.map(({ call, leadIn, good, code }) => [call, leadIn, good, code]),
    [
      [0, true, true, 'ok'],
      [1, false, false, 'http_503'],
      [2, false, false, 'gave_up'],
      [3, false, true, 'ok'],
    ],
  );
  assert.deepEqual(seen.toSorted(), ['0', '1', '2', '3']);
  assert.equal(calls[2]?.afterMs, 300);
  assert.deepEqual(readdirSync(processes.folder).toSorted(), [
    'generator.calls.json',
    'generator.trace.json',
  ]);
});

test('a job takes the time of a call and notes it, and also that it was broken off', async (t) => {
  const { folder } = processesOf(t);
  const settings: JobSettings = {
    ...{ worker: 'w', ledgerFolder: folder, baseMs: 5, scale: 10, subject: 'job', url: '', group: 'g' },
    ...{ slots: 1, budgetMs: 1000, buffer: {} },
  };
  const job = new Job(settings);
  await job.run('1', 2);
  await assert.rejects(job.run('2', 1000, AbortSignal.timeout(10)), { name: 'TimeoutError' });
  const ledger = await readLedgers(folder);
  const [first, second] = runsOf(ledger, 0);
  assert.deepEqual([first?.call, first?.end, second?.call, second?.end], [1, 'ended', 2, 'stopped']);
  assert.ok((first?.endedAt ?? 0) - (first?.beganAt ?? 0) >= 24);
  await new Job({ ...settings, ledgerFolder: undefined }).run('3', 0);
  assert.equal((await readLedgers(folder)).length, ledger.length);
  assert.ok(existsSync(join(folder, 'w.ledger')));
});

test('a gateway of the built program serves on a port of its own, and a worker of ours answers its calls', async (t) => {
  const processes = processesOf(t);
  const broker = await Broker.start(processes, process.env, { isMonitored: true });
  const flags = ['--log-level', 'warn'];
  const { url, process: gateway } = await startGateway(processes, 'gateway 1', {
    natsUrl: broker.url,
    flags,
  });
  const job: JobSettings = {
    ...{ worker: 'w', ledgerFolder: processes.folder, baseMs: 0, scale: 1, subject: 'job', url: broker.url },
    ...{ group: 'g', slots: 2, budgetMs: 1000, buffer: {} },
  };
  startOurWorker(processes, job, flags);
  const answer = await until(
    async () => {
      const headers = { 'Content-Type': 'application/json', 'X-Fn-Call': '7', 'X-Fn-Size': '20' };
      const response = await fetch(`${url}/functions/job`, { method: 'POST', headers, body: '{"a":1}' });
      return response.status === 200 ? await response.json() : undefined;
    },
    LIMIT_MS,
    'an answer',
  );
  assert.deepEqual(answer, { a: 1 });
  assert.ok(Number(await broker.figure('connections')) >= 2);
  assert.deepEqual(gateway.lines, []);
  const [run] = runsOf(await readLedgers(processes.folder), 0);
  assert.deepEqual([run?.worker, run?.call, run?.end], ['w', 7, 'ended']);
});
