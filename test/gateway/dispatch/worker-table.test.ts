import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Belief, UNHEARD_MS } from '../../../gateway/dispatch/worker-table.ts';
import type { State } from '../../../protocol/state.ts';

interface Told {
  group?: string;
  slots?: number;
  free?: number;
  serviceMs?: number;
  draining?: boolean;
}

function state({ group = 'workers', slots = 2, free = slots, serviceMs = 100, draining }: Told = {}): State {
  const told: State = {
    at: 0,
    functions: { f: { group, slots, free, running: slots - free, buffered: 0, serviceMs } },
  };
  return draining === undefined ? told : { ...told, draining };
}

function picked(belief: Belief<string>, now = 0): string | undefined {
  return belief.pick('f', 'workers', now)?.worker.id;
}

test('the worker with the least work ahead of a call is picked', () => {
  const belief = new Belief<string>();
  belief.learn('slow', state({ serviceMs: 250 }), 0);
  belief.learn('fast', state({ serviceMs: 100 }), 0);
  const first = belief.pick('f', 'workers', 0);
  assert.equal(first?.worker.id, 'fast');
  if (first !== undefined) belief.hold(first, 'a');
  assert.equal(picked(belief), 'fast');
  if (first !== undefined) belief.hold(first, 'b');
  assert.equal(picked(belief), 'slow');
});

test('what was sent and not answered takes slots, whatever the worker said before it knew', () => {
  const belief = new Belief<string>();
  belief.learn('w', state({ slots: 1 }), 0);
  const seat = belief.pick('f', 'workers', 0);
  assert.ok(seat);
  belief.hold(seat, 'a');
  belief.learn('w', state({ slots: 1, free: 1 }), 1);
  assert.equal(picked(belief, 1), undefined);
  belief.release(seat, 'a');
  assert.equal(picked(belief, 1), 'w');
});

test('a worker that was not heard for one and a half seconds is not picked until it is heard', () => {
  const belief = new Belief<string>();
  belief.learn('w', state(), 0);
  assert.equal(picked(belief, UNHEARD_MS), 'w');
  assert.equal(picked(belief, UNHEARD_MS + 1), undefined);
  belief.learnReply('f', { worker: 'w', group: 'workers', free: 1 }, 2000);
  assert.equal(picked(belief, 2000), 'w');
});

test('a worker that leaves, or whom a call could not reach, is not picked until it tells its state', () => {
  const belief = new Belief<string>();
  belief.learn('w', state({ draining: true }), 0);
  assert.equal(picked(belief), undefined);
  belief.learn('w', state(), 1);
  const seat = belief.pick('f', 'workers', 1);
  assert.ok(seat);
  belief.suspect(seat.worker);
  assert.equal(picked(belief, 1), undefined);
  belief.learn('w', state(), 2);
  assert.equal(picked(belief, 2), 'w');
});

test('groups are apart, and a group is gone with its last worker', () => {
  const belief = new Belief<string>();
  belief.learn('a1', state({ group: 'a' }), 0);
  belief.learn('b1', state({ group: 'b' }), 0);
  assert.deepEqual(belief.groups('f').toSorted(), ['a', 'b']);
  assert.equal(belief.pick('f', 'a', 0)?.worker.id, 'a1');
  assert.deepEqual(
    belief.forget('a1').map(({ group }) => group),
    ['a'],
  );
  assert.deepEqual(belief.groups('f'), ['b']);
  assert.deepEqual(belief.forget('a1'), []);
});

test('a worker that comes back in another group leaves the first one', () => {
  const belief = new Belief<string>();
  belief.learn('w', state({ group: 'a' }), 0);
  belief.learn('w', state({ group: 'b' }), 1);
  assert.equal(belief.pick('f', 'a', 1), undefined);
  assert.equal(belief.pick('f', 'b', 1)?.worker.id, 'w');
  assert.deepEqual(belief.groups('f'), ['b']);
});

test('only functions faster than 5 ms are sent one more call for each slot', () => {
  for (const [serviceMs, most] of [
    [1, 4],
    [4.9, 4],
    [5, 2],
    [0, 2],
  ] as const) {
    const belief = new Belief<string>();
    belief.learn('w', state({ slots: 2, serviceMs }), 0);
    let sent = 0;
    for (
      let seat = belief.pick('f', 'workers', 0);
      seat !== undefined;
      seat = belief.pick('f', 'workers', 0)
    ) {
      belief.hold(seat, `call ${sent++}`);
    }
    assert.equal(sent, most, `at ${serviceMs} ms`);
  }
});

test('a reply alone makes no worker known', () => {
  const belief = new Belief<string>();
  assert.equal(belief.learnReply('f', { worker: 'w', group: 'workers', free: 3 }, 0), undefined);
  assert.equal(picked(belief), undefined);
});
