import assert from 'node:assert/strict';
import test from 'node:test';
import { type CallRecord, judge } from '../support/ledger.ts';

const PID = 100;

/** A call that was answered 200 in time, as everybody wrote it down. */
function goodCall(id: string): CallRecord[] {
  return [
    { kind: 'asked', id, at: 0, deadlineAt: 500 },
    { kind: 'began', id, at: 10, group: 'workers', pid: PID },
    { kind: 'ended', id, at: 60, group: 'workers', pid: PID, how: 'done' },
    { kind: 'answered', id, at: 65, status: 200, bodyId: id },
  ];
}

/** A call that was refused and did not run. */
function refusedCall(id: string): CallRecord[] {
  return [
    { kind: 'asked', id, at: 0, deadlineAt: 500 },
    { kind: 'answered', id, at: 3, status: 503, code: 'saturated', started: 'no' },
  ];
}

const GOOD = [...goodCall('a'), ...goodCall('b'), ...refusedCall('c')];

function without(kind: CallRecord['kind'], id: string): CallRecord[] {
  return GOOD.filter((r) => r.kind !== kind || r.id !== id);
}

test('a ledger in which all rules hold is not complained about', () => {
  assert.deepEqual(judge(GOOD), []);
});

test('the checker catches a dropped call', () => {
  assert.deepEqual(judge(without('answered', 'a')), ['a got 0 answers']);
});

test('the checker catches a call that ran twice', () => {
  const again: CallRecord[] = [
    { kind: 'began', id: 'a', at: 20, group: 'workers', pid: 101 },
    { kind: 'ended', id: 'a', at: 70, group: 'workers', pid: 101 },
  ];
  assert.deepEqual(judge([...GOOD, ...again]), ['a ran 2 times in the group workers']);
});

test('the checker catches a run that began after its deadline', () => {
  const late: CallRecord[] = [
    { kind: 'asked', id: 'd', at: 0, deadlineAt: 500 },
    { kind: 'answered', id: 'd', at: 505, status: 504, code: 'deadline_exceeded', started: 'unknown' },
    { kind: 'began', id: 'd', at: 620, group: 'workers', pid: PID },
    { kind: 'ended', id: 'd', at: 630, group: 'workers', pid: PID },
  ];
  assert.deepEqual(judge([...GOOD, ...late]), ['d began 120 ms after its deadline']);
});

test('the checker catches a refused call that ran', () => {
  const ran: CallRecord[] = [
    { kind: 'began', id: 'c', at: 20, group: 'workers', pid: PID },
    { kind: 'ended', id: 'c', at: 70, group: 'workers', pid: PID },
  ];
  assert.deepEqual(judge([...GOOD, ...ran]), ['c was answered 503 started: no, and ran']);
});

test('the checker catches two answers that were swapped', () => {
  const swapped: CallRecord[] = [
    { kind: 'answered', id: 'a', at: 65, status: 200, bodyId: 'b' },
    { kind: 'answered', id: 'b', at: 65, status: 200, bodyId: 'a' },
  ];
  const rest = GOOD.filter((r) => r.kind !== 'answered' || r.id === 'c');
  assert.deepEqual(judge([...rest, ...swapped]), ['a got the body of b', 'b got the body of a']);
});

test('the checker catches a run that never ended, unless its process was killed', () => {
  assert.deepEqual(judge(without('ended', 'a')), [`a began in ${PID} and never ended`]);
  assert.deepEqual(judge(without('ended', 'a'), { killed: [PID] }), []);
});

test('the checker catches a second answer, a 200 without a run, a late answer and a run of nobody', () => {
  const second: CallRecord = { kind: 'answered', id: 'a', at: 66, status: 200, bodyId: 'a' };
  assert.deepEqual(judge([...GOOD, second]), ['a got 2 answers']);
  const unrun = GOOD.filter((r) => r.kind === 'asked' || r.kind === 'answered' || r.id !== 'a');
  assert.deepEqual(judge(unrun), ['a was answered 200 and never ran']);
  const late = GOOD.map((r) => (r.kind === 'answered' && r.id === 'c' ? { ...r, at: 1600 } : r));
  assert.deepEqual(judge(late), ['c was answered 100 ms too late']);
  const unasked = goodCall('e').filter((r) => r.kind === 'began' || r.kind === 'ended');
  assert.deepEqual(judge([...GOOD, ...unasked]), ['e ran and nobody asked for it']);
});

test('each of two groups may run a call once, and no other group may', () => {
  const other: CallRecord[] = [
    { kind: 'began', id: 'a', at: 20, group: 'audit', pid: 101 },
    { kind: 'ended', id: 'a', at: 70, group: 'audit', pid: 101 },
  ];
  assert.deepEqual(judge([...GOOD, ...other], { groups: ['workers', 'audit'] }), []);
  assert.deepEqual(judge([...GOOD, ...other]), ['a ran in the group audit']);
});
