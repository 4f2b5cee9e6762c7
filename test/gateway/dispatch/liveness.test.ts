import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Liveness } from '../../../gateway/dispatch/liveness.ts';
import { UNHEARD_MS } from '../../../gateway/dispatch/worker-entry.ts';
import { WorkerTable } from '../../../gateway/dispatch/worker-table.ts';
import { only, type Reported, state } from './tables.ts';

/** Connected long ago, so that silence counts. */
const CONNECTED_AT = -10_000;

function setUp(workers: Record<string, Reported> = { w: {} }) {
  const table = new WorkerTable();
  const liveness = new Liveness(table);
  liveness.connected(CONNECTED_AT);
  for (const [id, reported] of Object.entries(workers)) liveness.stateReceived(id, state(reported), 0);
  const probed = (now: number) => liveness.toBeProbed(now).map(({ worker }) => worker.id);
  return { table, liveness, probed };
}

test('a worker is probed when it was silent for a second and a half, one that holds calls after 750 ms', () => {
  const { probed } = setUp();
  assert.deepEqual(probed(UNHEARD_MS), []);
  assert.deepEqual(probed(UNHEARD_MS + 1), ['w']);
  const holder = setUp();
  only(holder.table).hold();
  assert.deepEqual(holder.probed(750), []);
  assert.deepEqual(holder.probed(751), ['w']);
});

test('a probe is repeated every 750 ms, that of a frozen worker every five seconds', () => {
  const { table, liveness, probed } = setUp();
  assert.deepEqual(probed(2000), ['w']);
  assert.deepEqual(probed(2750), []);
  assert.deepEqual(probed(2751), ['w']);
  liveness.probeUnanswered(only(table).worker);
  assert.equal(only(table).worker.isFrozen, true);
  assert.deepEqual(probed(7751), []);
  assert.deepEqual(probed(7752), ['w']);
});

test('a probe names a function of its worker; a worker without any is forgotten', () => {
  const { table, liveness } = setUp();
  assert.deepEqual(
    liveness.toBeProbed(2000).map(({ fn }) => fn),
    ['f'],
  );
  liveness.stateReceived('empty', { at: 0, functions: {} }, 2000);
  assert.equal([...table.workers()].length, 2);
  assert.deepEqual(
    liveness.toBeProbed(4000).map(({ worker }) => worker.id),
    ['w'],
  );
  assert.equal([...table.workers()].length, 1);
});

test('nobody is probed while the gateway cannot hear, or could not a second ago', () => {
  const { liveness, probed } = setUp();
  liveness.disconnected();
  assert.deepEqual(probed(5000), []);
  liveness.connected(5000);
  assert.deepEqual(probed(6000), []);
  assert.deepEqual(probed(6001), ['w']);
});

test('an answer to its probe, or any word since, keeps a worker from being frozen', () => {
  const { table, liveness, probed } = setUp();
  const { worker } = only(table);
  probed(2000);
  liveness.stateReceived('w', state(), 2100);
  liveness.probeUnanswered(worker);
  assert.equal(worker.isFrozen, false);
  probed(5000);
  liveness.probeUnanswered(worker);
  assert.equal(worker.isFrozen, true);
  liveness.probeAnswered(worker, 5600);
  assert.deepEqual([worker.isFrozen, worker.isLive(5600)], [false, true]);
});

test('a probe that a lost connection may have swallowed freezes nobody', () => {
  const { table, liveness, probed } = setUp();
  const { worker } = only(table);
  probed(2000);
  liveness.disconnected();
  liveness.probeUnanswered(worker);
  assert.equal(worker.isFrozen, false);
  liveness.connected(2400);
  liveness.probeUnanswered(worker);
  assert.equal(worker.isFrozen, false);
});

test('who says bye, or is found by nobody, leaves the table; its group is empty when it was the last', () => {
  const { table, liveness } = setUp({ w1: {}, w2: {}, other: { group: 'b' } });
  assert.deepEqual(liveness.stateReceived('w1', { ...state(), bye: true }, 1), []);
  const [last] = table.endpoints('f', 'workers');
  assert.ok(last !== undefined);
  assert.deepEqual(
    liveness.probeFoundNobody(last.worker).map(({ fn, group }) => [fn, group]),
    [['f', 'workers']],
  );
  assert.deepEqual(table.groups('f'), ['b']);
  const again = liveness.stateReceived('other', { ...state({ group: 'b' }), bye: true }, 2);
  assert.deepEqual(
    again.map(({ group }) => group),
    ['b'],
  );
});

test('a function is surely unserved on one server, a second after the connect, when it was not seen for ten seconds', () => {
  const { liveness } = setUp({});
  assert.equal(liveness.isSurelyUnserved('f', false, 0), true);
  assert.equal(liveness.isSurelyUnserved('f', true, 0), false);
  liveness.connected(0);
  assert.equal(liveness.isSurelyUnserved('f', false, 1000), false);
  assert.equal(liveness.isSurelyUnserved('f', false, 1001), true);
  liveness.groupSeen('f', undefined, 2000);
  liveness.toBeProbed(12_000);
  assert.equal(liveness.isSurelyUnserved('f', false, 12_000), false);
  liveness.toBeProbed(12_001);
  assert.equal(liveness.isSurelyUnserved('f', false, 12_001), true);
});

test('a group is the only one when no other was seen lately, plain responders counted', () => {
  const { liveness } = setUp({});
  assert.equal(liveness.isOnlyGroup('f', 'a', 0), true);
  liveness.groupSeen('f', 'a', 0);
  assert.deepEqual(
    [liveness.isOnlyGroup('f', 'a', 1), liveness.isOnlyGroup('f', undefined, 1)],
    [true, false],
  );
  liveness.groupSeen('f', undefined, 5000);
  assert.equal(liveness.isOnlyGroup('f', 'a', 5001), false);
  liveness.toBeProbed(10_001);
  assert.deepEqual(
    [liveness.isOnlyGroup('f', 'a', 10_001), liveness.isOnlyGroup('f', undefined, 10_001)],
    [false, true],
  );
  liveness.connected(20_000);
  assert.equal(liveness.isOnlyGroup('f', undefined, 21_000), false);
});
