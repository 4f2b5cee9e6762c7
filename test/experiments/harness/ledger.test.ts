import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLedger, runsOf } from '../../../experiments/harness/ledger.ts';

test('a ledger that is being written ends with its last whole line, and a foreign line is refused', () => {
  const text = 'joined - 5.000\nreceived 7 10.250\nbegan 7 10.';
  assert.deepEqual(parseLedger('w1', text), [
    { kind: 'joined', worker: 'w1', call: undefined, at: 5 },
    { kind: 'received', worker: 'w1', call: 7, at: 10.25 },
  ]);
  assert.throws(() => parseLedger('w1', 'vanished 7 10.250\n'), /a ledger has the line vanished 7/);
});

test('a run that is broken off, one that is cut off by a kill, and one that goes on have their ends', () => {
  const ledger = [
    ...parseLedger('w1', 'began 1 100\nstopped 1 150\nbegan 2 200\n'),
    ...parseLedger('w2', 'began 3 210\n'),
  ];
  const runs = runsOf(ledger, 900, new Map([['w2', 300]]));
  assert.deepEqual(
    runs.map((run) => [run.call, run.endedAt, run.end]),
    [
      [1, 150, 'stopped'],
      [2, 900, 'open'],
      [3, 300, 'open'],
    ],
  );
});
