import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { TextStream } from '../../lib/text-stream.ts';
import type { Load } from '../../load/load.ts';
import { Reporter } from '../../load/reporter.ts';
import { BRIEF, recordedLoad } from './harness.ts';

/** A stream that keeps what is written, and a load that does nothing. */
function setUp(t: TestContext, screen: Pick<TextStream, 'isTTY' | 'columns'>) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const written: string[] = [];
  const { load }: { load: Load } = recordedLoad(t, { ...BRIEF, urls: ['http://127.0.0.1:1'] });
  const reporter = new Reporter(load, { ...screen, write: (text) => written.push(text) });
  return { reporter, written };
}

test('at a terminal one line is redrawn four times a second and taken away at the end', (t) => {
  const { reporter, written } = setUp(t, { isTTY: true, columns: 20 });
  reporter.start();
  t.mock.timers.tick(500);
  assert.deepEqual(
    written,
    ['\r\x1b[2K0.0 s, 0.1 s left  ', '\r\x1b[2K0.0 s, 0.1 s left  '].map((line) => line.slice(0, 5 + 19)),
  );
  reporter.say('client 1 pauses');
  assert.deepEqual(written.slice(2), ['\r\x1b[2K', 'client 1 pauses\n']);
  reporter.stop();
  assert.deepEqual(written.slice(4), ['\r\x1b[2K']);
  t.mock.timers.tick(10_000);
  assert.equal(written.length, 5);
});

test('elsewhere there is a plain line every five seconds', (t) => {
  const { reporter, written } = setUp(t, {});
  reporter.start();
  t.mock.timers.tick(4999);
  assert.deepEqual(written, []);
  t.mock.timers.tick(1);
  assert.deepEqual(written, ['0.0 s, 0.1 s left  sent 0  in flight 0  ok/s 0.0\n']);
  reporter.say('client 1 pauses');
  reporter.stop();
  t.mock.timers.tick(10_000);
  assert.deepEqual(written.slice(1), ['client 1 pauses\n']);
});
