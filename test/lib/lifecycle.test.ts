import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Component, Lifecycle } from '../../lib/lifecycle.ts';
import { recordingLog, silentLog } from '../support/log.ts';

/** A component that writes down what happens to it. */
function recorder(events: string[], name: string, overrides: Partial<Component> = {}): Component {
  return {
    name,
    start: () => void events.push(`start ${name}`),
    drain: () => void events.push(`drain ${name}`),
    stop: () => void events.push(`stop ${name}`),
    ...overrides,
  };
}

const never = () => new Promise<void>(() => {});

test('components start in order; all are drained before one is stopped, the last one first', async () => {
  const events: string[] = [];
  const lifecycle = new Lifecycle(
    ['a', 'b', 'c'].map((name) => recorder(events, name)),
    silentLog,
  );
  await lifecycle.start();
  await lifecycle.end(100);
  assert.deepEqual(
    events.join(', '),
    'start a, start b, start c, drain c, drain b, drain a, stop c, stop b, stop a',
  );
});

test('a component starts when the one before it has', async () => {
  const events: string[] = [];
  const slow = recorder(events, 'slow', {
    start: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      events.push('slow is up');
    },
  });
  const lifecycle = new Lifecycle([slow, recorder(events, 'next')], silentLog);
  await lifecycle.start();
  assert.deepEqual(events, ['slow is up', 'start next']);
});

test('when a component does not start, those before it are stopped, and its error is thrown', async () => {
  const events: string[] = [];
  const broken = recorder(events, 'broken', {
    start: () => {
      throw new Error('port 80 is taken');
    },
  });
  const lifecycle = new Lifecycle([recorder(events, 'a'), broken, recorder(events, 'c')], silentLog);
  await assert.rejects(lifecycle.start(), /port 80 is taken/);
  assert.deepEqual(events, ['start a', 'stop a']);
});

test('a component that fails or takes too long to end is logged and keeps no other from ending', async () => {
  const events: string[] = [];
  const { log, lines } = recordingLog();
  const failing = recorder(events, 'failing', {
    drain: () => {
      throw new Error('thrown by a test');
    },
    stop: () => Promise.reject(new Error('rejected by a test')),
  });
  const hanging = recorder(events, 'hanging', { drain: never, stop: never });
  const lifecycle = new Lifecycle([recorder(events, 'a'), failing, hanging], log);
  await lifecycle.start();
  await lifecycle.end(20, 20);
  assert.deepEqual(events.slice(-2), ['drain a', 'stop a']);
  assert.deepEqual(
    lines.filter((line) => line.level >= 40).map((line) => `${line.component} ${line.step}: ${line.msg}`),
    [
      'hanging drain: took longer than allowed',
      'failing drain: failed',
      'hanging stop: took longer than allowed',
      'failing stop: failed',
    ],
  );
});

test('a component without a drain is only stopped', async () => {
  const events: string[] = [];
  const component: Component = { name: 'plain', start: () => {}, stop: () => void events.push('stop') };
  const lifecycle = new Lifecycle([component], silentLog);
  await lifecycle.start();
  await lifecycle.end(20);
  assert.deepEqual(events, ['stop']);
});

test('ending twice drains and stops once, and both wait', async () => {
  const events: string[] = [];
  const lifecycle = new Lifecycle([recorder(events, 'a')], silentLog);
  await lifecycle.start();
  await Promise.all([lifecycle.end(20), lifecycle.end(20), lifecycle.stop(20)]);
  assert.deepEqual(events, ['start a', 'drain a', 'stop a']);
});

test('ending while it starts leaves nothing running', async () => {
  const events: string[] = [];
  let release = () => {};
  const slow = recorder(events, 'slow', {
    start: () =>
      new Promise<void>((resolve) => {
        release = resolve;
      }),
  });
  const lifecycle = new Lifecycle([recorder(events, 'a'), slow, recorder(events, 'c')], silentLog);
  const started = lifecycle.start();
  await new Promise((resolve) => setImmediate(resolve));
  await lifecycle.end(20);
  release();
  await assert.rejects(started, /ended while slow was started/);
  assert.deepEqual(events, ['start a', 'drain a', 'stop a', 'stop slow']);
});
