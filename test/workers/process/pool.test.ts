import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ChildExit } from '../../../lib/pool-child.ts';
import { restartDelayMs } from '../../../lib/process-pool.ts';
import { WorkerPool, type WorkerPoolOptions } from '../../../workers/process/pool.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/log.ts';

const ENTRY = fileURLToPath(new URL('../../support/pool-child.mjs', import.meta.url));
const LIMIT = { timeout: 30_000 };

/** A pool of stub processes whose events can be awaited in order. */
function startPool(t: TestContext, paths: string[], options: Partial<WorkerPoolOptions> = {}) {
  const readies = queue<number>();
  const exits = queue<ChildExit>();
  const { log, find } = recordingLog();
  const clock = new FakeClock();
  const pool = new WorkerPool({
    settings: { paths, natsUrl: '', subjectPrefix: 'now', slots: undefined, group: 'workers', drainMs: 0 },
    processes: 2,
    log,
    childLog: { level: 'silent', pretty: false },
    entry: ENTRY,
    clock,
    onReady: (pid) => readies.add(pid ?? 0),
    onExit: (exit) => exits.add(exit),
    ...options,
  });
  t.after(() => pool.stop());
  return { pool, readies, exits, find, clock };
}

function queue<T>() {
  const items: T[] = [];
  const waiting: ((item: T) => void)[] = [];
  return {
    items,
    add(item: T): void {
      const taker = waiting.shift();
      if (taker === undefined) items.push(item);
      else taker(item);
    },
    async next(): Promise<T> {
      const item = items.shift();
      return item ?? new Promise<T>((resolve) => waiting.push(resolve));
    },
  };
}

async function temporaryFile(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pool-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'flag');
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await pause(10);
}

test('it starts its processes and drains them all', LIMIT, async (t) => {
  const { pool, readies, exits } = startPool(t, ['serve']);
  await pool.start();
  const pids = [await readies.next(), await readies.next()];
  assert.equal(new Set(pids).size, 2);
  assert.ok(pids.every(isAlive));
  assert.equal(pool.functions.length, 1);
  await pool.drain();
  const ended = [await exits.next(), await exits.next()];
  assert.deepEqual(
    ended.map(({ code, isExpected }) => [code, isExpected]),
    [
      [0, true],
      [0, true],
    ],
  );
  assert.equal(pids.some(isAlive), false);
});

test('a pool that can load nothing says why in one line and leaves no process', LIMIT, async (t) => {
  const { pool, exits } = startPool(t, ['nothing']);
  await assert.rejects(pool.start(), { message: 'no function could be loaded from nowhere' });
  await exits.next();
  await exits.next();
});

test('a process that crashes before it serves fails the start with its words', LIMIT, async (t) => {
  const { pool } = startPool(t, ['crash-at-start']);
  await assert.rejects(pool.start(), {
    message: 'a worker process ended with exit code 3: Error: it crashed',
  });
});

test('a killed process is replaced after a second, the other is left alone', LIMIT, async (t) => {
  const { pool, readies, exits, find, clock } = startPool(t, ['serve']);
  await pool.start();
  const [first, second] = [await readies.next(), await readies.next()];
  process.kill(first, 'SIGKILL');
  assert.equal((await exits.next()).reason, 'was ended by SIGKILL');
  await clock.advance(999);
  assert.equal(clock.pending, 1);
  await clock.advance(1);
  const third = await readies.next();
  assert.ok(isAlive(second) && isAlive(third));
  assert.equal(find('a worker process died')[0]?.reason, 'was ended by SIGKILL');
});

test('a process that keeps dying is started later and later, until it lives again', LIMIT, async (t) => {
  const flag = await temporaryFile(t);
  const { pool, readies, exits, find, clock } = startPool(t, ['crash-when-file', flag], { processes: 1 });
  await pool.start();
  await writeFile(flag, '');
  process.kill(await readies.next(), 'SIGKILL');
  await exits.next();
  for (let i = 0; i < 6; i++) {
    await clock.advance(10_000);
    assert.equal((await exits.next()).reason, 'ended with exit code 3: Error: it crashed');
  }
  const delays = find('a worker process died').map(({ delayMs }) => delayMs);
  assert.deepEqual(delays, [1000, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  await rm(flag);
  await clock.advance(10_000);
  const revived = await readies.next();
  await clock.advance(30_000);
  process.kill(revived, 'SIGKILL');
  await exits.next();
  await clock.advance(0);
  await readies.next();
});

test('restarts are a second apart at least and 10 s at most', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 100].map((deaths) => restartDelayMs(deaths, 200));
  assert.deepEqual(delays, [800, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
  assert.equal(restartDelayMs(0, 31_000), 0);
});

test('nothing is started after the drain, also when a restart was due', LIMIT, async (t) => {
  const { pool, readies, exits, clock } = startPool(t, ['serve'], { processes: 1 });
  await pool.start();
  process.kill(await readies.next(), 'SIGKILL');
  await exits.next();
  await clock.advance(0);
  await pool.drain();
  assert.equal(clock.pending, 0);
  assert.deepEqual(readies.items, []);
});

test('a restart of all starts each new process before its old one ends', LIMIT, async (t) => {
  const { pool, readies, exits } = startPool(t, ['serve']);
  await pool.start();
  const old = [await readies.next(), await readies.next()];
  await pool.restartAll();
  const fresh = [await readies.next(), await readies.next()];
  const ended = [await exits.next(), await exits.next()].map(({ pid }) => pid);
  // Which of two is ready first is chance.
  assert.deepEqual(ended.toSorted(), old.toSorted());
  assert.ok(fresh.every(isAlive));
  assert.deepEqual(pool.functions, [`process-${fresh[0]}`]);
});

test('a restart that loads less than before is refused and the old processes stay', LIMIT, async (t) => {
  const flag = await temporaryFile(t);
  for (const behaviour of ['break-when-file', 'crash-when-file']) {
    const { pool, readies } = startPool(t, [behaviour, flag]);
    await pool.start();
    const old = [await readies.next(), await readies.next()];
    await writeFile(flag, '');
    const reason =
      behaviour === 'break-when-file' ? /^broken.mjs: SyntaxError/ : /exit code 3: Error: it crashed$/;
    await assert.rejects(pool.restartAll(), { message: reason });
    assert.ok(old.every(isAlive));
    await rm(flag);
    await pool.restartAll();
    assert.equal(old.some(isAlive), false);
    await pool.stop();
  }
});

test('a process that does not drain is killed a second after its limit', LIMIT, async (t) => {
  const { pool, exits } = startPool(t, ['stuck'], { processes: 1 });
  await pool.start();
  await pool.drain();
  assert.equal((await exits.next()).signal, 'SIGKILL');
});

for (const [how, end, behaviour] of [
  ['is killed', 'SIGKILL', 'serve'],
  ['exits', 'exit', 'serve'],
  ['exits while they are blocked', 'exit', 'blocked'],
  ['crashes while they are blocked', 'throw', 'blocked'],
] as const) {
  test(`no process is left when the one with the pool ${how}`, LIMIT, async (t) => {
    const parent = fork(
      fileURLToPath(new URL('../../support/pool-parent.mjs', import.meta.url)),
      [behaviour],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
    );
    t.after(() => parent.kill('SIGKILL'));
    const [pids] = (await once(parent, 'message')) as [number[]];
    t.after(() => {
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
    });
    assert.equal(pids.length, 2);
    assert.ok(pids.every(isAlive));
    if (end === 'SIGKILL') parent.kill(end);
    else parent.send(end);
    await once(parent, 'exit');
    await gone(pids);
  });
}
