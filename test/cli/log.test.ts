import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createLogger, type LogStream } from '../../lib/log.ts';

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
      return texts.map((text) => JSON.parse(text));
    },
  };
}

test('a line is one JSON object with level, time, service and message', () => {
  const out = collector();
  createLogger({ service: 'gateway', level: 'info', out }).info({ port: 1 }, 'ready\nnow');
  assert.equal(out.texts[0]?.trimEnd().includes('\n'), false);
  const { time, ...line } = out.lines[0] ?? {};
  assert.deepEqual(line, { level: 'info', service: 'gateway', port: 1, msg: 'ready\nnow' });
  assert.equal(new Date(String(time)).toISOString(), time);
});

test('what is below the level is not written', () => {
  const out = collector();
  createLogger({ service: 'gateway', level: 'warn', out }).info('quiet');
  assert.deepEqual(out.texts, []);
});

test('credentials are taken out wherever they are', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  const url = 'nats://user:geheim@host:4222,nats://geheim@other';
  log.info({ authorization: 'geheim', headers: { cookie: 'geheim' }, deep: { a: { url } } }, `dial ${url}`);
  log.info({ request: { headers: { authorization: 'geheim' } }, err: new Error(`no way to ${url}`) });
  assert.equal(out.texts.join('').includes('geheim'), false);
  assert.ok(out.texts[0]?.includes('nats://[redacted]@host:4222'));
});

test('foreign text is cut', () => {
  const out = collector();
  const log = createLogger({ service: 'gateway', level: 'info', out });
  const long = 'x'.repeat(100_000);
  log.info({ text: long, err: new Error(long, { cause: new Error(long) }) }, long);
  log.info({ nested: { text: long } }, 'nested');
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
  out.writableLength = 0;
  log.info('read');
  assert.deepEqual(
    out.lines.map(({ msg, dropped }) => [msg, dropped]),
    [
      ['log lines were dropped, nobody read them', 5],
      ['read', undefined],
    ],
  );
});

test('a stream that throws costs the line only', () => {
  const out: LogStream = {
    writableLength: 0,
    on: () => {},
    write() {
      throw new Error('ENOSPC');
    },
  };
  assert.doesNotThrow(() => createLogger({ service: 'gateway', level: 'info', out }).info('lost'));
});

test('the pretty form is one line for people', () => {
  const out = collector();
  createLogger({ service: 'dev', level: 'info', pretty: true, out }).info({ port: 8080 }, 'ready');
  assert.match(out.texts.join(''), /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: dev: ready \{"port":8080\}\n$/);
});

interface Progress {
  written: number;
  waiting: number;
}

function startStub(t: TestContext): ChildProcess {
  const child = fork(fileURLToPath(new URL('../support/log-stub.mjs', import.meta.url)), {
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
