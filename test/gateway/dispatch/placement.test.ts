import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call, GroupDelivery, SHARED, SharedDelivery } from '../../../gateway/dispatch/call.ts';
import {
  groupsFor,
  maySendAhead,
  neededMs,
  placeAfterNobody,
  placeInGroup,
  placeOnShared,
} from '../../../gateway/dispatch/placement.ts';
import { UNHEARD_MS } from '../../../gateway/dispatch/worker-entry.ts';
import { WorkerTable } from '../../../gateway/dispatch/worker-table.ts';
import { only, type Reported, state } from './tables.ts';

const openReply = { subject: 'reply', close: () => undefined };

function call(deadlineAt = 500): Call {
  const body = new Uint8Array(0);
  const request = { callId: 'c', fn: 'f', body, headers: [], acceptedAt: 0, deadlineAt, budgetMs: 500 };
  return new Call(request, { settle: () => undefined }, () => undefined);
}

function workers(reported: Record<string, Reported>): WorkerTable {
  const table = new WorkerTable();
  for (const [id, one] of Object.entries(reported)) table.learnState(id, state(one), 0);
  return table;
}

/** Where a call goes: the id of a worker, or what is done. */
function placed(
  table: WorkerTable,
  { parked = 0, isParkingOn = true, isConnected = true, now = 0, busyReplies = 0, deadlineAt = 500 } = {},
): string {
  const delivery = new GroupDelivery(call(deadlineAt), 'workers');
  const busy = new WorkerTable().learnPull('x', 'f', 'workers', 0);
  for (let count = 0; count < busyReplies; count++) {
    delivery.sentTo(busy, openReply, 0);
    delivery.notRun(true);
  }
  const endpoints = table.endpoints('f', 'workers');
  const placement = placeInGroup(delivery, { endpoints, parked, isParkingOn, isConnected, now });
  return placement.do === 'push' ? placement.endpoint.worker.id : placement.do;
}

test('the worker with the least work ahead of a call is picked', () => {
  const table = workers({ slow: { serviceMs: 250, slots: 4 }, fast: { serviceMs: 100, slots: 4 } });
  const picked: string[] = [];
  for (let count = 0; count < 4; count++) {
    const id = placed(table);
    picked.push(id);
    for (const endpoint of table.endpoints('f', 'workers')) if (endpoint.worker.id === id) endpoint.hold();
  }
  assert.deepEqual(picked, ['fast', 'fast', 'slow', 'fast']);
});

test('a worker whose speed is unknown counts as an average one', () => {
  const table = workers({ slow: { serviceMs: 300 }, fast: { serviceMs: 100 }, new: { serviceMs: 0 } });
  assert.equal(placed(table), 'fast');
  for (const endpoint of table.endpoints('f', 'workers')) if (endpoint.worker.id === 'fast') endpoint.hold();
  // (1 + 1) × 100 ties with 1 × 200: the first of the table.
  assert.equal(placed(table), 'fast');
  for (const endpoint of table.endpoints('f', 'workers')) if (endpoint.worker.id === 'fast') endpoint.hold();
  assert.equal(placed(table), 'new');
});

test('a worker that leaves, is frozen or silent, or has no free slot is not picked: the call is parked', () => {
  for (const what of ['leaving', 'frozen', 'silent', 'full']) {
    const table = workers({ w: {} });
    const endpoint = only(table);
    if (what === 'leaving') endpoint.worker.leaving(true);
    if (what === 'frozen') endpoint.worker.frozen();
    if (what === 'full') endpoint.noSlotFree();
    const now = what === 'silent' ? UNHEARD_MS + 1 : 0;
    assert.equal(placed(table, { now, deadlineAt: 9000 }), 'park', what);
  }
});

test('while others are parked, or the broker is lost, a call is parked', () => {
  const table = workers({ w: {} });
  assert.equal(placed(table), 'w');
  assert.equal(placed(table, { parked: 1 }), 'park');
  assert.equal(placed(table, { isConnected: false }), 'park');
});

test('after the third busy a call is parked', () => {
  const table = workers({ w: {} });
  assert.equal(placed(table, { busyReplies: 2 }), 'w');
  assert.equal(placed(table, { busyReplies: 3 }), 'park');
});

test('with parking switched off a call that would be parked is refused as saturated, with the counts', () => {
  const table = workers({ w: { slots: 3, free: 0 } });
  assert.equal(placed(table), 'park');
  assert.equal(placed(table, { isParkingOn: false }), 'fail');
  const endpoints = table.endpoints('f', 'workers');
  const delivery = new GroupDelivery(call(), 'workers');
  const view = { endpoints, parked: 0, isParkingOn: false, isConnected: true, now: 0 };
  const placement = placeInGroup(delivery, view);
  assert.ok(placement.do === 'fail');
  assert.deepEqual([placement.error.code, placement.error.started], ['saturated', 'no']);
  assert.deepEqual(placement.error.extra, { workers: 1, slots: 3, parked: 0 });
});

test('a call that was withdrawn is sent to nobody', () => {
  const withdrawn = call();
  withdrawn.withdraw();
  const endpoints = workers({ w: {} }).endpoints('f', 'workers');
  const view = { endpoints, parked: 0, isParkingOn: true, isConnected: true, now: 0 };
  assert.equal(placeInGroup(new GroupDelivery(withdrawn, 'workers'), view).do, 'drop');
  assert.equal(placeOnShared(new SharedDelivery(withdrawn), true, 0).do, 'drop');
});

test('a new call goes to each group that has a worker in the table, to the shared subject when there is none', () => {
  for (const occasion of ['submitted', 'foundNobody'] as const) {
    assert.deepEqual(groupsFor(call(), ['a', 'b'], occasion), ['a', 'b']);
    assert.deepEqual(groupsFor(call(), [], occasion), [SHARED]);
  }
});

test('a group that declined on the shared subject gets a delivery of its own, once', () => {
  const one = call();
  one.addDeliveries([SHARED]);
  assert.deepEqual(groupsFor(one, [], { declinedBy: 'a' }), ['a']);
  one.addDeliveries(['a']);
  assert.deepEqual(groupsFor(one, [], { declinedBy: 'a' }), []);
});

test('when the last worker of a group is gone its call goes to the shared subject, unless it has other deliveries', () => {
  const one = call();
  one.addDeliveries(['a']);
  assert.deepEqual(groupsFor(one, ['b'], 'emptied'), [SHARED]);
  one.addDeliveries(['b']);
  assert.deepEqual(groupsFor(one, ['b'], 'emptied'), []);
});

test('a call whose deadline has passed is sent to nobody', () => {
  const table = workers({ w: {} });
  assert.equal(placed(table, { now: 499 }), 'w');
  assert.equal(placed(table, { now: 500 }), 'nothing');
  assert.equal(placeOnShared(new SharedDelivery(call()), true, 499).do, 'broadcast');
  assert.equal(placeOnShared(new SharedDelivery(call()), true, 500).do, 'nothing');
});

test('on the shared subject nothing is sent without a broker: the failure says so', () => {
  const placement = placeOnShared(new SharedDelivery(call()), false, 0);
  assert.equal(placement.do, 'fail');
  assert.ok(placement.do === 'fail');
  assert.deepEqual([placement.error.code, placement.error.started], ['broker_unavailable', 'no']);
});

test('only workers faster than 5 ms are sent one more call for each slot, and only while they are live', () => {
  for (const [serviceMs, most] of [
    [1, 4],
    [4.9, 4],
    [5, 2],
    [0, 2],
  ] as const) {
    const table = workers({ w: { slots: 2, serviceMs } });
    let sent = 0;
    while (placed(table) === 'w') {
      only(table).hold();
      sent++;
    }
    assert.equal(sent, most, `at ${serviceMs} ms`);
  }
  const table = workers({ w: { slots: 1, serviceMs: 1 } });
  const endpoint = only(table);
  assert.equal(maySendAhead(endpoint, 0), false, 'a free slot needs nothing ahead');
  endpoint.hold();
  assert.equal(maySendAhead(endpoint, 0), true);
  assert.equal(maySendAhead(endpoint, UNHEARD_MS + 1), false);
  endpoint.worker.leaving(true);
  assert.equal(maySendAhead(endpoint, 0), false);
});

test('slower workers are sent as many calls ahead as their slots would stand empty on the way, up to one each', () => {
  for (const [serviceMs, tripMs, ahead] of [
    [20, 0.5, 0],
    [20, 2, 1],
    [20, 9, 2],
    [20, 200, 4],
    [49, 200, 4],
    [50, 200, 0],
  ] as const) {
    const table = workers({ w: { slots: 4, serviceMs } });
    for (let reply = 0; reply < 200; reply++) {
      table.learnReply(
        'f',
        { worker: 'w', waitMs: 1, workMs: serviceMs },
        1000,
        1000 - serviceMs - 1 - tripMs,
      );
    }
    let sent = 0;
    while (placed(table) === 'w') {
      only(table).hold();
      sent++;
    }
    assert.equal(sent - 4, ahead, `${serviceMs} ms of work, ${tripMs} ms on the way`);
  }
});

test('a free slot of a slow worker is taken before a call is sent ahead to a fast one', () => {
  const table = workers({ fast: { slots: 1, serviceMs: 1, free: 0 }, slow: { slots: 1, serviceMs: 4000 } });
  for (const endpoint of table.endpoints('f', 'workers')) {
    if (endpoint.worker.id === 'fast') endpoint.hold();
  }
  assert.equal(placed(table), 'slow');
});

test('nobody on the shared subject is tried again after 20, 50 and 100 ms, then it is no_responders', () => {
  const delivery = new SharedDelivery(call());
  const waits: unknown[] = [];
  for (let tries = 0; tries < 4; tries++) {
    delivery.sentTo(openReply, 0);
    delivery.foundNobody();
    const placement = placeAfterNobody(delivery, false, 10);
    waits.push(placement.do === 'retry' ? placement.afterMs : placement.do);
    if (placement.do !== 'fail') continue;
    assert.deepEqual(
      [placement.error.code, placement.error.started, placement.error.retryAfterS],
      ['no_responders', 'no', 10],
    );
  }
  assert.deepEqual(waits, [20, 50, 100, 'fail']);
});

test('where absence is certain there is no second try', () => {
  const delivery = new SharedDelivery(call());
  delivery.sentTo(openReply, 0);
  delivery.foundNobody();
  assert.equal(placeAfterNobody(delivery, true, 10).do, 'fail');
});

test('what a run needs is what the fastest live worker needs, 0 while that is not known', () => {
  const table = workers({ slow: {}, fast: {} });
  const endpoints = table.endpoints('f', 'workers');
  assert.equal(neededMs(endpoints, 0), 0);
  for (const { worker, runTime } of endpoints) {
    for (let run = 0; run < 20; run++) runTime.add(worker.id === 'fast' ? 100 : 200);
  }
  assert.equal(neededMs(endpoints, 0), 100);
  for (const { worker } of endpoints) if (worker.id === 'fast') worker.frozen();
  assert.equal(neededMs(endpoints, 0), 200);
  assert.equal(neededMs(new Set(), 0), 0);
});
