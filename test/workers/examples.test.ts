import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import sharp from 'sharp';
import { systemClock } from '../../lib/clock.ts';
import { loadFunctions } from '../../workers/load/load.ts';
import { Executor } from '../../workers/run/execute.ts';
import { silentLog as log } from '../support/log.ts';

const examples = new URL('../../examples/', import.meta.url);
const { functions, failed } = await loadFunctions([examples.pathname], { log });

/** Runs one call of an example as a worker would. */
async function call(
  t: { after: (run: () => Promise<void>) => void },
  name: string,
  body: Uint8Array | string,
  headers: Record<string, string> = {},
) {
  const fn = functions.find((one) => one.name === name);
  assert.ok(fn, `${name} is not among ${functions.map((one) => one.name)}`);
  const executor = new Executor({ clock: systemClock, log });
  t.after(() => executor.close());
  await executor.prepare(fn);
  const { done } = executor.run(fn, {
    callId: 'c1',
    headers,
    body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
    deadlineAt: systemClock.now() + 20_000,
    maxReplyBytes: 1_000_000,
  });
  const completion = await done;
  const seen = Object.fromEntries(completion.headers.map(([header, value]) => [header.toLowerCase(), value]));
  return { ...completion, seen, text: new TextDecoder().decode(completion.body) };
}

const json = { 'content-type': 'application/json' };

test('every example is a function, and the plain worker is passed over', () => {
  assert.deepEqual(failed, []);
  assert.deepEqual(functions.map(({ name }) => name).sort(), ['echo', 'hash', 'job', 'thumbnail']);
});

test('echo answers with what it got, as it got it', async (t) => {
  const fromJson = await call(t, 'echo', '{"a":[1,2]}', json);
  assert.deepEqual([fromJson.text, fromJson.seen['content-type']], ['{"a":[1,2]}', 'application/json']);
  const bytes = await call(t, 'echo', new Uint8Array([0, 255]), { 'content-type': 'image/x-none' });
  assert.deepEqual([[...bytes.body], bytes.seen['content-type']], [[0, 255], 'image/x-none']);
});

test('job takes its time and answers that it proceeded', async (t) => {
  const startedAt = performance.now();
  const { text, outcome } = await call(t, 'job', '{"user_id":7}', json);
  assert.deepEqual([outcome, JSON.parse(text)], ['ok', { proceeded: true, user_id: 7 }]);
  assert.ok(performance.now() - startedAt >= 1990);
});

test('hash makes another salt each time, of text and of bytes', async (t) => {
  const first = JSON.parse((await call(t, 'hash', '{"text":"secret"}', json)).text);
  const second = JSON.parse((await call(t, 'hash', 'secret')).text);
  assert.match(first.hash, /^[0-9a-f]{64}$/);
  assert.notEqual(first.salt, second.salt);
  assert.equal((await call(t, 'hash', '{"txt":1}', json)).status, 422);
});

for (const format of ['jpeg', 'png', 'webp'] as const) {
  test(`thumbnail makes a ${format} small and keeps its form`, async (t) => {
    const photo = await readFile(new URL('photo.jpg', examples));
    const image = await sharp(photo).toFormat(format).toBuffer();
    const { body, seen, outcome } = await call(t, 'thumbnail', image, { 'x-fn-width': '200' });
    assert.equal(outcome, 'ok');
    const { width, height, format: got } = await sharp(body).metadata();
    assert.deepEqual([width, height, got], [200, 150, format]);
    assert.deepEqual(
      [seen['content-type'], seen['x-fn-width'], seen['x-fn-height']],
      [`image/${format}`, '200', '150'],
    );
  });
}

test('thumbnail says what is wrong with a width and with what is no image', async (t) => {
  const photo = await readFile(new URL('photo.jpg', examples));
  assert.equal((await call(t, 'thumbnail', photo, { 'x-fn-width': '0' })).status, 400);
  assert.equal((await call(t, 'thumbnail', 'no image')).status, 415);
  assert.equal((await call(t, 'thumbnail', photo.subarray(0, 2000))).status, 422);
});
