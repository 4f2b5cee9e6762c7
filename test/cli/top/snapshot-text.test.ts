import assert from 'node:assert/strict';
import { test } from 'node:test';
import { snapshotLines } from '../../../cli/top/snapshot-text.ts';
import type { FunctionSnapshot, Snapshot, WorkerSnapshot } from '../../../observe/snapshot.ts';

const RATES = { done: 1.25, errors: 0, busy: 0.5, expired: 0, cancelled: 0 };

function worker(name: string, change: Partial<WorkerSnapshot> = {}): WorkerSnapshot {
  const counts = { slots: 2, free: 0, running: 2, buffered: 0 };
  const state = { silentMs: 120, isDraining: false, serviceMs: 2207.31, perSecond: RATES };
  return { worker: name, ...counts, ...state, ...change };
}

function view(workers: WorkerSnapshot[], change: Partial<FunctionSnapshot> = {}): FunctionSnapshot {
  const counts = { slots: 4, free: 0, running: 4, buffered: 0, parked: 0 };
  const what = { function: 'job', group: 'workers', gateways: [], perSecond: RATES };
  return { ...what, ...counts, workers, ...change };
}

function linesOf(functions: FunctionSnapshot[], change: Partial<Snapshot> = {}): string[] {
  return snapshotLines({ at: '2030-01-01T12:34:56.789Z', isConnected: true, functions, ...change });
}

test('a function, its workers and the gateways where calls wait are lines of one table', () => {
  const gateways = [
    { gateway: 'gw-a', parked: 8 },
    { gateway: 'gw-b', parked: 4 },
  ];
  assert.deepEqual(linesOf([view([worker('w-1'), worker('w-2')], { parked: 12, gateways })]), [
    '12:34:56  1 function  2 workers  4 of 4 slots running  12 parked',
    '',
    'FUNCTION  GROUP    SLOTS  FREE  RUNNING  BUFFERED  PARKED  DONE/S  ERRORS/S  BUSY/S  EXPIRED/S  RUN MS',
    'job       workers      4     0        4         0      12     1.3         0     0.5          0    2207',
    '  w-1                  2     0        2         0             1.3         0     0.5          0    2207',
    '  w-2                  2     0        2         0             1.3         0     0.5          0    2207',
    '  gw-a                                                  8',
    '  gw-b                                                  4',
  ]);
});

test('a single healthy worker has no line beside its function, one that is silent or draining has', () => {
  const lines = (change: Partial<WorkerSnapshot>) => linesOf([view([worker('w-1', change)])]).slice(3);
  assert.equal(lines({}).length, 1);
  assert.match(lines({ silentMs: 3200 })[1] ?? '', /^ {2}w-1 .* 2207 {2}silent for 3 s$/);
  assert.match(lines({ isDraining: true })[1] ?? '', / draining$/);
});

test('what is not known is a dash', () => {
  const [line = ''] = linesOf([view([worker('w-1', { serviceMs: 0 })], { perSecond: null })]).slice(3);
  assert.match(line, /- +- +- +- +-$/);
});

test('without workers or without NATS it says so', () => {
  assert.deepEqual(linesOf([]), [
    '12:34:56  0 functions  0 workers  0 of 0 slots running  0 parked',
    'no worker seen yet',
  ]);
  assert.match(linesOf([], { isConnected: false })[0] ?? '', /^NO CONNECTION TO NATS {2}12:34:56 /);
});
