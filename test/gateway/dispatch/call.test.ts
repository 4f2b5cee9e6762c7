import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Call, GroupDelivery, SHARED, SharedDelivery } from '../../../gateway/dispatch/call.ts';
import type { CallOutcome } from '../../../gateway/dispatch/contract.ts';
import { WaitQueue } from '../../../gateway/dispatch/wait-queue.ts';
import { WorkerTable } from '../../../gateway/dispatch/worker-table.ts';
import { deadlineExceeded, saturated, workerLost } from '../../../gateway/failures.ts';
import { CallError } from '../../../protocol/call-error.ts';

const ANSWER = {
  status: 200,
  contentType: 'text/plain',
  headers: {},
  body: new Uint8Array(0),
  worker: 'w',
  queueMs: 0,
  workMs: 1,
};

function made(): { call: Call; outcomes: CallOutcome[]; abandoned: Call[] } {
  const outcomes: CallOutcome[] = [];
  const abandoned: Call[] = [];
  const body = new Uint8Array(3);
  const request = { callId: 'c', fn: 'f', body, headers: [], acceptedAt: 1, deadlineAt: 501, budgetMs: 500 };
  const call = new Call(request, { settle: (outcome) => outcomes.push(outcome) }, (left) =>
    abandoned.push(left),
  );
  return { call, outcomes, abandoned };
}

/** A delivery to one group with what it can hold. */
function held() {
  const { call } = made();
  const [delivery] = call.addDeliveries(['workers']);
  assert.ok(delivery instanceof GroupDelivery);
  const closed: string[] = [];
  const reply = { subject: 'r', close: () => closed.push('reply') };
  const endpoint = new WorkerTable().learnPull('w', 'f', 'workers', 0);
  const queue = new WaitQueue<GroupDelivery>();
  const place = {
    leave: (left: GroupDelivery) => queue.delete(left),
    expire: (expired: GroupDelivery, now: number) => queue.giveUp(expired, now),
  };
  const park = (now = 1): void => {
    delivery.parkedIn(place, now);
    queue.add(delivery, now);
  };
  const send = (now = 1): void => delivery.sentTo(endpoint, reply, now);
  return { call, delivery, closed, endpoint, queue, park, send };
}

test('a delivery holds a slot and a reply subject while it is sent, and gives them back whatever ends it', () => {
  for (const [what, end] of [
    ['answered', (delivery: GroupDelivery) => delivery.answered(ANSWER)],
    ['failed', (delivery: GroupDelivery) => delivery.failed(workerLost())],
    ['expired', (delivery: GroupDelivery) => delivery.expired(501)],
    ['notRun', (delivery: GroupDelivery) => delivery.notRun(true)],
  ] as const) {
    const { delivery, closed, endpoint, send } = held();
    send();
    assert.deepEqual([delivery.state, endpoint.outstanding, closed.length], ['sent', 1, 0], what);
    assert.equal(delivery.endpoint, endpoint);
    end(delivery);
    assert.deepEqual([endpoint.outstanding, closed.length, delivery.endpoint], [0, 1, undefined], what);
    assert.equal(delivery.state, what === 'notRun' ? 'unplaced' : 'closed');
  }
});

test('a delivery leaves the queue whatever ends it, and its wait is counted when it is sent', () => {
  for (const [what, end] of [
    ['failed', (delivery: GroupDelivery) => delivery.failed(saturated([], 0))],
    ['expired', (delivery: GroupDelivery) => delivery.expired(501)],
    ['dropped', (delivery: GroupDelivery) => delivery.dropped()],
  ] as const) {
    const { delivery, queue, park } = held();
    park();
    assert.deepEqual([delivery.state, queue.size], ['parked', 1], what);
    end(delivery);
    assert.deepEqual([delivery.state, queue.size], ['closed', 0], what);
  }
  const { delivery, queue, park, send } = held();
  park(10);
  assert.equal(queue.take(30).next, delivery);
  send(30);
  delivery.notRun(true);
  park(35);
  send(40);
  assert.equal(delivery.parkedMs, 25);
});

test('a delivery that expires while it is parked makes the queue serve the newest first', () => {
  const { delivery, queue, park } = held();
  park();
  const more = [held().delivery, held().delivery];
  for (const other of more) queue.add(other, 2);
  delivery.expired(3);
  assert.equal(queue.take(4).next, more[1]);
});

test('no event is taken in a state from which it cannot happen', () => {
  const events = {
    parkedIn: ({ park }: ReturnType<typeof held>) => park(),
    sentTo: ({ send }: ReturnType<typeof held>) => send(),
    notRun: ({ delivery }: ReturnType<typeof held>) => delivery.notRun(false),
    answered: ({ delivery }: ReturnType<typeof held>) => delivery.answered(ANSWER),
    failed: ({ delivery }: ReturnType<typeof held>) => delivery.failed(workerLost()),
    expired: ({ delivery }: ReturnType<typeof held>) => delivery.expired(501),
    dropped: ({ delivery }: ReturnType<typeof held>) => delivery.dropped(),
  };
  const states = {
    unplaced: () => undefined,
    parked: ({ park }: ReturnType<typeof held>) => park(),
    sent: ({ send }: ReturnType<typeof held>) => send(),
    closed: ({ send, delivery }: ReturnType<typeof held>) => {
      send();
      delivery.answered(ANSWER);
    },
  };
  const allowed: Record<string, readonly string[]> = {
    unplaced: ['parkedIn', 'sentTo', 'failed', 'expired', 'dropped'],
    parked: ['sentTo', 'failed', 'expired', 'dropped'],
    sent: ['notRun', 'answered', 'failed', 'expired'],
    closed: [],
  };
  for (const [state, bring] of Object.entries(states)) {
    for (const [event, happen] of Object.entries(events)) {
      const one = held();
      bring(one);
      assert.equal(one.delivery.state, state);
      if (allowed[state]?.includes(event)) happen(one);
      else assert.throws(() => happen(one), new RegExp(`a ${state} delivery cannot become`), event);
    }
  }
});

test('busy replies are counted, other refusals are not', () => {
  const { delivery, send } = held();
  for (const isBusy of [true, false, true]) {
    send();
    delivery.notRun(isBusy);
  }
  assert.equal(delivery.busyReplies, 2);
});

test('a delivery to the shared subject goes on listening when the only group it knows of has refused', () => {
  const { call } = made();
  const [delivery] = call.addDeliveries([SHARED]);
  assert.ok(delivery instanceof SharedDelivery);
  let closed = 0;
  delivery.sentTo({ subject: 'r', close: () => closed++ }, 1);
  assert.deepEqual([call.isAwaited, delivery.started], [true, 'unknown']);
  delivery.groupDeclined(true);
  assert.deepEqual(
    [delivery.state, closed, call.isAwaited, delivery.started],
    ['listening', 0, false, 'unknown'],
  );
  delivery.groupDeclined(false);
  assert.deepEqual([delivery.state, closed, call.isAwaited], ['sent', 0, true]);
  delivery.groupDeclined(true);
  delivery.answered(ANSWER);
  assert.deepEqual([delivery.state, closed], ['closed', 1]);
});

test('tries on the shared subject are counted', () => {
  const { call } = made();
  const [delivery] = call.addDeliveries([SHARED]);
  assert.ok(delivery instanceof SharedDelivery);
  let closed = 0;
  for (let count = 1; count <= 3; count++) {
    delivery.sentTo({ subject: 'r', close: () => closed++ }, 1);
    delivery.foundNobody();
    assert.deepEqual(
      [delivery.state, delivery.tries, closed, delivery.started],
      ['unplaced', count, count, 'no'],
    );
  }
});

test('only the first outcome reaches the caller', () => {
  const { call, outcomes } = made();
  const first = deadlineExceeded(500, 'no');
  assert.equal(call.settle(first), true);
  assert.equal(call.settle(workerLost()), false);
  assert.deepEqual(outcomes, [first]);
});

test('a caller that leaves after its outcome changes nothing', () => {
  const { call, abandoned } = made();
  call.settle(workerLost());
  call.abandon();
  assert.deepEqual(abandoned, []);
  const second = made();
  second.call.abandon();
  assert.deepEqual(second.abandoned, [second.call]);
});

test('started is no only if no group can have begun the call, or may yet', () => {
  const { call } = made();
  const [first, second] = call.addDeliveries(['a', 'b']);
  assert.ok(first instanceof GroupDelivery && second instanceof GroupDelivery);
  const endpoint = new WorkerTable().learnPull('w', 'f', 'a', 0);
  assert.equal(call.started, 'unknown', 'both may yet be sent');
  call.withdraw();
  assert.equal(call.started, 'no', 'nothing is sent any more');
  first.sentTo(endpoint, { subject: 'r', close: () => undefined }, 1);
  assert.equal(call.started, 'unknown');
  first.failed(saturated([], 0));
  assert.equal(call.started, 'no');
  second.failed(workerLost());
  assert.equal(call.started, 'unknown');
});

test('a failure says for all groups together whether the call has started', () => {
  const refusal = new CallError('invalid_input', 'no number');
  for (const [what, before, expected] of [
    ['the other one gave up', (other: GroupDelivery) => other.failed(saturated([], 0)), 'no'],
    ['the other one was lost', (other: GroupDelivery) => other.failed(workerLost()), 'unknown'],
    ['the other one may yet begin', () => undefined, 'unknown'],
  ] as const) {
    const { call, outcomes } = made();
    const [first, second] = call.addDeliveries(['a', 'b']);
    assert.ok(first instanceof GroupDelivery && second instanceof GroupDelivery);
    before(second);
    const endpoint = new WorkerTable().learnPull('w', 'f', 'a', 0);
    first.sentTo(endpoint, { subject: 'r', close: () => undefined }, 1);
    first.answered(refusal);
    call.settle(refusal);
    const [outcome] = outcomes;
    assert.ok(outcome instanceof CallError);
    assert.deepEqual([outcome.code, outcome.started], ['invalid_input', expected], what);
  }
});

test('what one group answers on the shared subject before a run says nothing about the other groups', () => {
  for (const [outcome, started] of [
    [new CallError('invalid_input', 'no number'), 'unknown'],
    [new CallError('handler_error', 'it threw'), 'yes'],
    [ANSWER, 'yes'],
  ] as const) {
    const { call } = made();
    const [delivery] = call.addDeliveries([SHARED]);
    assert.ok(delivery instanceof SharedDelivery);
    delivery.sentTo({ subject: 'r', close: () => undefined }, 1);
    delivery.answered(outcome);
    assert.equal(delivery.started, started);
  }
});

test('a call that was provably not run has not started', () => {
  const { call, delivery, send } = held();
  call.withdraw();
  send();
  assert.deepEqual([delivery.started, call.started], ['unknown', 'unknown']);
  delivery.notRun(true);
  assert.deepEqual([delivery.started, call.started], ['no', 'no']);
});

test('deliveries to groups take the place of one to the shared subject that nobody runs', () => {
  const { call } = made();
  const [shared] = call.addDeliveries([SHARED]);
  assert.ok(shared !== undefined);
  const next = call.replaceDelivery(shared, ['a', 'b']);
  assert.deepEqual([shared.state, next.length, call.deliveries.length], ['closed', 2, 2]);
  assert.deepEqual([call.isDeliveredTo('a'), call.isDeliveredTo('c')], [true, false]);
});
