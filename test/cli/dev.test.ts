import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type RunningCommand, runCommand } from '../support/cli.ts';

const LIMIT = { timeout: 60_000 };
const READY = /(http:\/\/127\.0\.0\.1:\d+) is ready/;

async function functionsFolder(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dev-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [name, source] of Object.entries(files)) await writeFile(join(folder, name), source);
  return folder;
}

function startDev(t: TestContext, folder: string, args: readonly string[] = []): RunningCommand {
  const dev = runCommand(t, ['dev', folder, '--port', '0', '--admin-port', '0', '--processes', '1', ...args]);
  // A broker that a failed test left behind.
  t.after(() => isAlive(brokerPid(dev)) && process.kill(brokerPid(dev), 'SIGKILL'));
  return dev;
}

async function call(baseUrl: string, name: string): Promise<string> {
  const response = await fetch(`${baseUrl}/functions/${name}`, { method: 'POST' });
  return `${response.status} ${await response.text()}`;
}

/** A Ctrl-C at the terminal: every process of the group gets it. */
function interrupt({ child }: RunningCommand): void {
  if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
}

/** The broker is no member of the group; its pid is in the log. */
function brokerPid({ output }: RunningCommand): number {
  return Number(/nats-server started.*"process":(\d+)/.exec(output)?.[1]);
}

function isAlive(pid: number): boolean {
  if (!(pid > 0)) return false;
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test(
  'Ctrl-C ends the gateway, then the workers, then the broker, and the running call is answered',
  LIMIT,
  async (t) => {
    const folder = await functionsFolder(t, {
      'slow.mjs': `export default async () => {
      console.error('it runs');
      await new Promise((resolve) => setTimeout(resolve, 1000));
      return 'late but there';
    };`,
    });
    const dev = startDev(t, folder);
    const [, baseUrl = ''] = await dev.said(READY);
    assert.ok(dev.output.includes(`${baseUrl}/functions/slow`));
    const pid = brokerPid(dev);
    assert.ok(isAlive(pid));
    const answer = call(baseUrl, 'slow');
    while (!dev.errors.includes('it runs')) await pause(10);
    interrupt(dev);
    assert.equal(await answer, '200 late but there');
    assert.deepEqual(await dev.ended, { code: 0, signal: null });
    assert.equal(isAlive(pid), false);
  },
);

test('a second Ctrl-C ends everything at once', LIMIT, async (t) => {
  const folder = await functionsFolder(t, {
    'stuck.mjs': `export default () => { console.error('it runs'); return new Promise(() => {}); };`,
  });
  const dev = startDev(t, folder);
  const [, baseUrl = ''] = await dev.said(READY);
  const answer = call(baseUrl, 'stuck').catch(() => 'cut off');
  while (!dev.errors.includes('it runs')) await pause(10);
  interrupt(dev);
  await dev.said(/a second signal stops it at once/);
  interrupt(dev);
  assert.deepEqual(await dev.ended, { code: 130, signal: null });
  assert.equal(await answer, 'cut off');
  while (isAlive(brokerPid(dev))) await pause(10);
});

test(
  'a changed file is served by new processes, a broken one is told and the old ones stay',
  LIMIT,
  async (t) => {
    const folder = await functionsFolder(t, { 'say.mjs': `export default () => 'one';` });
    const dev = startDev(t, folder);
    const [, baseUrl = ''] = await dev.said(READY);
    assert.equal(await call(baseUrl, 'say'), '200 one');
    await writeFile(join(folder, 'say.mjs'), `export default () => 'two';`);
    await dev.said(/workers restarted/);
    assert.equal(await call(baseUrl, 'say'), '200 two');
    await writeFile(join(folder, 'say.mjs'), 'export default () => {');
    const [line] = await dev.said(/.*workers not restarted.*/);
    assert.match(line, /the old ones keep serving: .*say\.mjs: SyntaxError: /);
    assert.equal(await call(baseUrl, 'say'), '200 two');
    interrupt(dev);
    assert.equal((await dev.ended).code, 0);
  },
);

test('a broken file is one line at the start and harms no other', LIMIT, async (t) => {
  const folder = await functionsFolder(t, {
    'good.mjs': 'export default () => 1;',
    'bad.mjs': 'export default (',
  });
  const dev = startDev(t, folder);
  const [, baseUrl = ''] = await dev.said(READY);
  assert.match(dev.output, /not loaded .*bad\.mjs.*SyntaxError/);
  assert.equal(await call(baseUrl, 'good'), '200 1');
  interrupt(dev);
  assert.equal((await dev.ended).code, 0);
});

test('a taken port is one line, exit code 1, and nothing is left', LIMIT, async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const folder = await functionsFolder(t, { 'good.mjs': 'export default () => 1;' });
  const dev = startDev(t, folder, ['--port', String(address.port)]);
  assert.equal((await dev.ended).code, 1);
  assert.equal(dev.errors, `now-or-never dev: port ${address.port} on 127.0.0.1 is taken\n`);
  assert.equal(isAlive(brokerPid(dev)), false);
});

test('workers that cannot start are one line, exit code 1, and nothing is left', LIMIT, async (t) => {
  const folder = await functionsFolder(t, { 'bad.mjs': 'export default (' });
  const dev = startDev(t, folder);
  assert.equal((await dev.ended).code, 1);
  assert.match(
    dev.errors,
    /^now-or-never dev: no function could be loaded from .*bad\.mjs: SyntaxError.*\n$/,
  );
  assert.equal(isAlive(brokerPid(dev)), false);
});

test('without functions and without a folder for them it says what it needs', LIMIT, async (t) => {
  const cwd = await functionsFolder(t, {});
  const ran = runCommand(t, ['dev'], { cwd });
  assert.equal((await ran.ended).code, 2);
  assert.match(
    ran.errors,
    /^now-or-never dev: dev needs a file or folder with functions; there is no functions and/,
  );
});

test('a missing nats-server is one line that says what to do', LIMIT, async (t) => {
  const folder = await functionsFolder(t, { 'good.mjs': 'export default () => 1;' });
  const ran = runCommand(t, ['dev', folder, '--port', '0'], {
    env: { NATS_SERVER_BIN: '/nowhere/nats-server' },
  });
  assert.equal((await ran.ended).code, 1);
  assert.match(ran.errors, /^now-or-never dev: \/nowhere\/nats-server does not run: .*\n$/);
});
