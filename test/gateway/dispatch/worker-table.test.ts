import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UNHEARD_MS } from '../../../gateway/dispatch/worker-entry.ts';
import { WorkerTable } from '../../../gateway/dispatch/worker-table.ts';
import { only, state } from './tables.ts';

test('what was sent and not answered takes slots, whatever the worker said before it knew', () => {
  const table = new WorkerTable();
  table.learnState('w', state({ slots: 1 }), 0);
  const endpoint = only(table);
  assert.equal(endpoint.free, 1);
  endpoint.hold();
  assert.equal(endpoint.free, 0);
  table.learnState('w', state({ slots: 1, free: 1 }), 1);
  assert.equal(endpoint.free, 0);
  endpoint.release();
  assert.equal(endpoint.free, 1);
});

test('what a worker reports as free is lessened by what is sent, until it reports again', () => {
  const table = new WorkerTable();
  table.learnState('w', state({ slots: 8, free: 2 }), 0);
  const endpoint = only(table);
  endpoint.hold();
  assert.equal(endpoint.free, 1);
  endpoint.release();
  assert.equal(endpoint.free, 1, 'the release alone frees nothing: the worker reports it');
  table.learnReply('f', { worker: 'w', free: 2 }, 1);
  assert.equal(endpoint.free, 2);
  endpoint.noSlotFree();
  assert.equal(endpoint.free, 0);
});

test('a worker that was not heard for one and a half seconds is not live until it is heard', () => {
  const table = new WorkerTable();
  table.learnState('w', state(), 0);
  const { worker } = only(table);
  assert.equal(worker.isLive(UNHEARD_MS), true);
  assert.equal(worker.isLive(UNHEARD_MS + 1), false);
  table.learnReply('f', { worker: 'w', group: 'workers', free: 1 }, 2000);
  assert.equal(worker.isLive(2000), true);
});

test('a frozen worker is not live until it is heard', () => {
  const table = new WorkerTable();
  table.learnState('w', state(), 0);
  const { worker } = only(table);
  worker.frozen();
  assert.deepEqual([worker.isLive(1), worker.isSilent(1)], [false, true]);
  worker.heard(2);
  assert.deepEqual([worker.isLive(2), worker.isSilent(2)], [true, false]);
});

test('a worker that leaves, or whom a call could not reach, is not live until it sends its state', () => {
  const table = new WorkerTable();
  table.learnState('w', state({ draining: true }), 0);
  const { worker } = only(table);
  assert.equal(worker.isLive(0), false);
  table.learnState('w', state(), 1);
  assert.equal(worker.isLive(1), true);
  worker.unreachable();
  assert.deepEqual([worker.isLive(1), worker.isSilent(1)], [false, true]);
  table.learnState('w', state(), 2);
  assert.equal(worker.isLive(2), true);
});

test('a worker that is known to be leaving and then is unreachable does not count as silent', () => {
  const table = new WorkerTable();
  table.learnState('w', state({ draining: true }), 0);
  const { worker } = only(table);
  worker.unreachable();
  assert.equal(worker.isSilent(1), false);
});

test('a worker that several calls could not reach is silent until it is heard, and leaving until it sends its state', () => {
  const table = new WorkerTable();
  table.learnState('w', state(), 0);
  const { worker } = only(table);
  worker.unreachable();
  worker.unreachable();
  assert.equal(worker.silentForMs(1), Number.POSITIVE_INFINITY);
  worker.heard(2);
  assert.deepEqual([worker.silentForMs(3), worker.isSilent(3), worker.isLive(3)], [1, false, false]);
  table.learnState('w', state(), 4);
  assert.equal(worker.isLive(4), true);
});

test('groups are apart, and a group is gone with its last worker', () => {
  const table = new WorkerTable();
  table.learnState('a1', state({ group: 'a' }), 0);
  table.learnState('b1', state({ group: 'b' }), 0);
  assert.deepEqual(table.groups('f').toSorted(), ['a', 'b']);
  assert.deepEqual(
    table.forget('a1').map(({ group }) => group),
    ['a'],
  );
  assert.deepEqual(table.groups('f'), ['b']);
  assert.deepEqual(table.forget('a1'), []);
  assert.equal(table.serves('f'), true);
  table.forget('b1');
  assert.deepEqual([table.serves('f'), table.groups('f'), [...table.workers()]], [false, [], []]);
});

test('a worker that comes back in another group leaves the first one', () => {
  const table = new WorkerTable();
  table.learnState('w', state({ group: 'a' }), 0);
  table.learnState('w', state({ group: 'b' }), 1);
  assert.equal(table.endpoints('f', 'a').size, 0);
  assert.equal(only(table, 'b').worker.id, 'w');
  assert.deepEqual(table.groups('f'), ['b']);
});

test('the free slots of a group are those of its live workers alone', () => {
  const table = new WorkerTable();
  for (const id of ['live', 'frozen', 'leaving', 'silent']) table.learnState(id, state({ slots: 3 }), 0);
  assert.equal(table.freeSlots('f', 'workers', 0), 12);
  for (const worker of table.workers()) {
    if (worker.id === 'frozen') worker.frozen();
    else if (worker.id === 'leaving') worker.leaving(true);
    else if (worker.id === 'live') worker.heard(1000);
  }
  assert.equal(table.freeSlots('f', 'workers', UNHEARD_MS + 1), 3);
  assert.equal(table.freeSlots('f', 'others', 0), 0);
});

test('a reply alone makes no worker known; a pull does, with one slot and none of it free', () => {
  const table = new WorkerTable();
  assert.equal(table.learnReply('f', { worker: 'w', group: 'workers', free: 3 }, 0), undefined);
  assert.equal(table.serves('f'), false);
  const endpoint = table.learnPull('w', 'f', 'workers', 0);
  assert.deepEqual([endpoint.slots, endpoint.free], [1, 0]);
  assert.equal(table.learnReply('f', { worker: 'w', free: 1, serviceMs: 7 }, 1), endpoint);
  assert.deepEqual([endpoint.free, endpoint.serviceMs], [1, 7]);
});

test('what a worker has not answered is counted over all its functions', () => {
  const table = new WorkerTable();
  const first = table.learnPull('w', 'f', 'workers', 0);
  const second = table.learnPull('w', 'g', 'workers', 0);
  first.hold();
  second.hold();
  second.hold();
  assert.equal(first.worker.outstanding, 3);
});
