import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger } from '../../lib/log.ts';
import type { LogStream } from '../../lib/log-sink.ts';
import { until } from '../support/until.ts';

/** A stream that keeps what is written to it. */
function collector(): LogStream & {
  lines: Record<string, unknown>[];
  texts: string[];
  writableLength: number;
} {
  const texts: string[] = [];
  return {
    texts,
    writableLength: 0,
    write: (text) => texts.push(text),
    on: () => {},
    get lines() {
      return texts.flatMap((text) => text.trimEnd().split('\n')).map((line) => JSON.parse(line));
    },
  };
}

test('a line is one JSON object with level, time, service and message', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  log.info({ port: 1 }, 'ready\nnow');
  log.flush();
  assert.equal(out.texts[0]?.trimEnd().includes('\n'), false);
  const { time, ...line } = out.lines[0] ?? {};
  assert.deepEqual(line, { level: 'info', service: 'gateway', port: 1, msg: 'ready\nnow' });
  assert.equal(new Date(String(time)).toISOString(), time);
});

test('what is below the level is not written', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'warn', out });
  log.info('quiet');
  log.flush();
  assert.deepEqual(out.texts, []);
});

test('credentials are taken out wherever they are', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  const url = 'nats://user:geheim@host:4222,nats://geheim@other';
  log.info({ authorization: 'geheim', headers: { cookie: 'geheim' }, deep: { a: { url } } }, `dial ${url}`);
  log.info({ request: { headers: { authorization: 'geheim' } }, err: new Error(`no way to ${url}`) });
  log.info({ err: new Error('no', { cause: { password: 'geheim' } }), list: [{ cookie: 'geheim' }] });
  log.info({
    password: 'geheim',
    headers: new Headers({ a: 'b' }),
    made: { toJSON: () => ({ cookie: 'geheim' }) },
  });
  log.info('%j and %o', { password: 'geheim' }, { deep: { password: 'geheim' } });
  const child = log.child({ cookie: 'geheim', headers: { cookie: 'geheim' } });
  child.child({ password: 'geheim', a: { password: 'geheim' } }, { level: 'debug' }).debug('done');
  log.flush();
  assert.equal(out.texts.join('').includes('geheim'), false);
  assert.equal(out.texts.join('').match(/"(?:cookie|password|authorization)":"\[redacted\]"/g)?.length, 11);
  assert.ok(out.texts[0]?.includes('nats://[redacted]@host:4222'));
});

test('foreign text is cut', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  const long = 'x'.repeat(100_000);
  log.info({ text: long, err: new Error(long, { cause: new Error(long) }) }, long);
  log.info({ nested: { text: long } }, 'nested');
  log.flush();
  const [first, second] = out.lines;
  assert.equal(first?.msg, `${'x'.repeat(1000)}...`);
  assert.equal(first?.text, `${'x'.repeat(1000)}...`);
  assert.ok((out.texts[0]?.length ?? 0) < 16_384);
  assert.equal(second?.msg, 'a log line was too long');
});

test('an error is described with its code and causes, and what is no error too', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  log.error({ err: new TypeError('no', { cause }) }, 'failed');
  log.error({ err: 'text' }, 'failed');
  log.error({ err: undefined }, 'failed');
  log.flush();
  const err = out.lines[0]?.err as { type: string; cause: { code: string } };
  assert.equal(err.type, 'TypeError');
  assert.equal(err.cause.code, 'ECONNREFUSED');
  assert.equal(out.lines[1]?.err, 'text');
  assert.equal(out.lines.length, 3);
});

test('lines are dropped while nobody reads, and that is told', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  out.writableLength = 2 ** 21;
  for (let i = 0; i < 5; i++) log.info('lost');
  log.flush();
  out.writableLength = 0;
  log.info('read');
  log.flush();
  assert.deepEqual(
    out.lines.map(({ msg, dropped }) => [msg, dropped]),
    [
      ['log lines were dropped, nobody read them', 5],
      ['read', undefined],
    ],
  );
});

test('lines are collected for a moment and written together, a page at most', async () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  for (let i = 0; i < 100; i++) log.info({ i, text: 'ü'.repeat(50) }, 'one of many');
  const before = out.texts.length;
  await until(() => out.lines.length === 100 || undefined, 5000, '100 lines');
  assert.deepEqual(
    out.lines.map(({ i }) => i),
    Array.from({ length: 100 }, (_, i) => i),
  );
  assert.ok(before > 0 && out.texts.length < 12, `${out.texts.length} writes, ${before} at once`);
  assert.ok(out.texts.every((text) => text.endsWith('\n') && Buffer.byteLength(text) <= 4096));
});

test('an error is written at once, behind what was collected', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  log.info('before');
  assert.deepEqual(out.texts, []);
  log.error('failed');
  assert.deepEqual(
    out.lines.map(({ msg }) => msg),
    ['before', 'failed'],
  );
});

test('what was collected is written when the process exits', { timeout: 20_000 }, async (t) => {
  const child = startStub(t, 'last words');
  const [text] = await once(child.stdout ?? child, 'data');
  assert.equal(JSON.parse(String(text)).msg, 'last words');
});

test('a stream that throws costs the line only', () => {
  const out: LogStream = {
    writableLength: 0,
    on: () => {},
    write() {
      throw new Error('ENOSPC');
    },
  };
  const log = createLogger({ service: 'gateway', level: 'info', out });
  assert.doesNotThrow(() => {
    log.info('lost');
    log.flush();
  });
});

test('the pretty form is one line for people', () => {
  const out = collector();
  const log = createLogger({ service: 'dev', level: 'info', pretty: true, out });
  log.info({ port: 8080 }, 'ready');
  log.flush();
  assert.match(out.texts.join(''), /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: dev: ready \{"port":8080\}\n$/);
});

interface Progress {
  written: number;
  waiting: number;
}

function startStub(t: TestContext, lastWords = ''): ChildProcess {
  const child = fork(fileURLToPath(new URL('../support/log-stub.mjs', import.meta.url)), [lastWords], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function progressBeyond(child: ChildProcess, lines: number): Promise<Progress> {
  for (;;) {
    const [progress] = (await once(child, 'message')) as [Progress];
    if (progress.written > lines) return progress;
  }
}

test('a process lives on when the reader of its log has gone', { timeout: 20_000 }, async (t) => {
  const child = startStub(t);
  const { written } = await progressBeyond(child, 0);
  child.stdout?.destroy();
  await progressBeyond(child, written + 3000);
  child.send('end');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('a process works on with bounded memory when nobody reads its log', { timeout: 20_000 }, async (t) => {
  const child = startStub(t);
  child.stdout?.pause();
  const { waiting } = await progressBeyond(child, 5000);
  assert.ok(waiting > 0 && waiting < 1.2 * 2 ** 20, `${waiting} characters wait`);
  child.send('end');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});
