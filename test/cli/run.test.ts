import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

type Step = readonly [after: string, signal: NodeJS.Signals];

/** Runs the stub; when it says `after`, it gets the signal. Returns all it said, its exit and its errors. */
async function runStub(t: TestContext, behaviour: string, steps: readonly Step[]) {
  const child = fork(fileURLToPath(new URL('../support/run-stub.mjs', import.meta.url)), [behaviour], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  const events: unknown[] = [];
  child.on('message', (event) => {
    events.push(event);
    for (const [after, signal] of steps) if (after === event) child.kill(signal);
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, 'close');
  return { events, code, signal, errors };
}

const table: readonly [title: string, behaviour: string, steps: Step[], events: string[], code: number][] = [
  [
    'SIGTERM ends in order',
    'good',
    [['started', 'SIGTERM']],
    ['start', 'started', 'end', 'ended', 'exit 0'],
    0,
  ],
  [
    'SIGINT ends in order',
    'good',
    [['started', 'SIGINT']],
    ['start', 'started', 'end', 'ended', 'exit 0'],
    0,
  ],
  [
    'a closed terminal ends in order',
    'good',
    [['started', 'SIGHUP']],
    ['start', 'started', 'end', 'ended', 'exit 0'],
    0,
  ],
  [
    'a program that can reload does so at SIGHUP and goes on',
    'reloads',
    [
      ['started', 'SIGHUP'],
      ['reload', 'SIGTERM'],
    ],
    ['start', 'started', 'reload', 'end', 'ended', 'exit 0'],
    0,
  ],
  [
    'a second SIGINT ends at once',
    'slow-end',
    [
      ['started', 'SIGINT'],
      ['end', 'SIGINT'],
    ],
    ['start', 'started', 'end', 'exit 130'],
    130,
  ],
  [
    'a second SIGTERM ends at once',
    'slow-end',
    [
      ['started', 'SIGTERM'],
      ['end', 'SIGTERM'],
    ],
    ['start', 'started', 'end', 'exit 143'],
    143,
  ],
  [
    'the second signal names the exit code',
    'slow-end',
    [
      ['started', 'SIGTERM'],
      ['end', 'SIGINT'],
    ],
    ['start', 'started', 'end', 'exit 130'],
    130,
  ],
  [
    'a signal during the start ends in order',
    'slow-start',
    [['start', 'SIGTERM']],
    ['start', 'end', 'ended', 'exit 0'],
    0,
  ],
  [
    'an end that hangs is ended by force',
    'stuck-end',
    [['started', 'SIGTERM']],
    ['start', 'started', 'end', 'exit 1'],
    1,
  ],
  [
    'an end that fails has exit code 1',
    'failed-end',
    [['started', 'SIGTERM']],
    ['start', 'started', 'end', 'exit 1'],
    1,
  ],
  ['a program that has done its work ends with its exit code', 'done', [], ['start', 'started', 'exit 3'], 3],
  [
    'a program that would end by itself ends with its exit code after a signal',
    'done-at-end',
    [['started', 'SIGINT']],
    ['start', 'started', 'end', 'ended', 'exit 3'],
    3,
  ],
  ['a start that fails has exit code 1', 'failed-start', [], ['start', 'exit 1'], 1],
  ['an uncaught error has exit code 1', 'uncaught', [], ['start', 'started', 'exit 1'], 1],
  ['an unhandled rejection has exit code 1', 'rejection', [], ['start', 'started', 'exit 1'], 1],
];

for (const [title, behaviour, steps, events, code] of table) {
  test(title, { timeout: 20_000 }, async (t) => {
    const ran = await runStub(t, behaviour, steps);
    assert.deepEqual(ran.events, events);
    assert.deepEqual([ran.code, ran.signal], [code, null]);
    assert.equal(ran.errors, behaviour === 'failed-start' ? 'stub: port 1 is taken at somewhere\n' : '');
  });
}
