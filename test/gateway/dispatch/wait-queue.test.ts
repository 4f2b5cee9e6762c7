import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Parkable, WaitQueue } from '../../../gateway/dispatch/wait-queue.ts';

interface Item extends Parkable {
  readonly name: string;
}

function item(name: string, acceptedAt: number, budgetMs = 1000, bytes = 1): Item {
  return { name, acceptedAt, budgetMs, deadlineAt: acceptedAt + budgetMs, bytes };
}

function names(items: Iterable<Item>): string {
  return [...items].map(({ name }) => name).join('');
}

test('a healthy queue goes by arrival, also for a call that is parked again', () => {
  const queue = new WaitQueue<Item>();
  for (const next of [item('b', 10), item('c', 20), item('a', 0)]) queue.add(next, 25);
  assert.equal(names(queue), 'abc');
  assert.equal(queue.take(30).next?.name, 'a');
  assert.equal(queue.take(30).next?.name, 'b');
});

test('the newest goes first while the oldest has waited for more than 0.6 of its budget', () => {
  const queue = new WaitQueue<Item>();
  for (const next of [item('a', 0), item('b', 500), item('c', 550)]) queue.add(next, 600);
  assert.equal(queue.take(601).next?.name, 'c');
  assert.equal(queue.take(599).next?.name, 'a');
});

test('the newest goes first for one budget after something was not served in time', () => {
  const queue = new WaitQueue<Item>();
  queue.add(item('a', 0), 0);
  queue.giveUp(item('x', -500), 0);
  queue.add(item('b', 1), 1);
  assert.equal(queue.take(2).next?.name, 'b');
  queue.delete([...queue][0] ?? item('', 0));
  for (const next of [item('c', 990), item('d', 995)]) queue.add(next, 999);
  assert.equal(queue.take(1001).next?.name, 'c');
});

test('what has expired is returned as expired, never taken', () => {
  const queue = new WaitQueue<Item>();
  queue.add(item('a', 0, 100), 0);
  queue.add(item('b', 0, 200), 0);
  const first = queue.take(100);
  assert.deepEqual([first.next?.name, names(first.expired), first.refused.length], ['b', 'a', 0]);
  const second = queue.take(100);
  assert.deepEqual([second.next, names(second.expired), second.refused.length], [undefined, '', 0]);
  assert.equal(queue.size, 0);
  assert.equal(queue.size, 0);
});

test('the oldest are refused when the bodies take more bytes than allowed', () => {
  const queue = new WaitQueue<Item>({ maxBytes: 10 });
  const refused = ['a', 'b', 'c'].map((name) => names(queue.add(item(name, 0, 1000, 4), 0).refused));
  assert.deepEqual(refused, ['', '', 'a']);
  assert.equal(queue.bytes, 8);
});

/** Takes one of many items every `stepMs`, as slots come free; what was refused meanwhile. */
function drain(queue: WaitQueue<Item>, count: number, stepMs: number, startAt: number): Item[] {
  const refused: Item[] = [];
  for (let taken = 1; taken <= count; taken++) {
    refused.push(...queue.take(startAt + taken * stepMs).refused);
  }
  return refused;
}

test('the oldest are refused while the queue would outlast one and a half times what the newest has left', () => {
  const queue = new WaitQueue<Item>();
  for (let count = 0; count < 100; count++) queue.add(item(`${count},`, 0), 0);
  // The first sixteen intervals only teach it the rate.
  assert.equal(drain(queue, 16, 20, 0).length, 0);
  const refused = drain(queue, 4, 20, 320);
  // 600 ms are left: 45 calls at 20 ms fit into one and a half of that.
  assert.equal(queue.size, 45);
  assert.equal(Math.round(queue.waitMs ?? 0), 900);
  assert.equal(refused.length, 100 - 20 - 45);
  assert.equal(refused[0]?.name, '17,', 'the oldest: seventeen are served');
});

test('what is refused comes with the wait that was the reason', () => {
  const queue = new WaitQueue<Item>();
  for (let count = 0; count < 100; count++) queue.add(item('x', 0), 0);
  drain(queue, 16, 20, 0);
  const { refused, waitMs } = queue.take(340);
  assert.equal(refused.length, 34);
  assert.equal(Math.round(waitMs ?? 0), 83 * 20);
});

test('early refusal can be switched off', () => {
  const queue = new WaitQueue<Item>({ earlyRefusal: false });
  for (let count = 0; count < 100; count++) queue.add(item('x', 0), 0);
  assert.equal(drain(queue, 20, 20, 0).length, 0);
});

test('a pause in which nothing was parked does not count in the rate', () => {
  const queue = new WaitQueue<Item>();
  for (let count = 0; count < 20; count++) queue.add(item('x', 0), 0);
  drain(queue, 20, 10, 0);
  assert.equal(queue.waitMs, undefined);
  for (let count = 0; count < 30; count++) {
    assert.equal(queue.add(item('y', 60_000), 60_000).refused.length, 0);
  }
  drain(queue, 18, 10, 60_000);
  assert.equal(Math.round(queue.waitMs ?? 0), 120);
});

test('in any order of adding, taking and deleting everything leaves once, for a reason, and the rest is a queue by arrival', () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({
        do: fc.constant('add' as const),
        at: fc.nat(1000),
        bytes: fc.nat(9),
        budget: fc.integer({ min: 1, max: 2000 }),
      }),
      fc.record({ do: fc.constant('take' as const) }),
      fc.record({ do: fc.constant('delete' as const), index: fc.nat(20) }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const queue = new WaitQueue<Item>({ maxBytes: 60 });
      const inside = new Set<Item>();
      let now = 1000;
      const leave = (items: readonly Item[]): void => {
        for (const one of items) assert.ok(inside.delete(one), 'it was in there, once');
      };
      for (const step of all) {
        now += 7;
        if (step.do === 'add') {
          const added = item('x', step.at, step.budget, step.bytes);
          inside.add(added);
          const { refused, expired } = queue.add(added, now);
          leave(refused);
          leave(expired);
        } else if (step.do === 'take') {
          const { next, refused, expired } = queue.take(now, 20);
          leave(refused);
          leave(expired);
          if (next === undefined) assert.equal(queue.size, 0);
          else {
            assert.ok(next.deadlineAt > now + 20);
            leave([next]);
          }
          for (const one of expired) assert.ok(one.deadlineAt <= now);
          for (const one of refused) assert.ok(one.deadlineAt > now);
        } else {
          const deleted = [...queue][step.index];
          if (deleted !== undefined) {
            queue.delete(deleted);
            leave([deleted]);
          }
        }
        const items = [...queue];
        assert.ok(items.length === inside.size && items.every((one) => inside.has(one)));
        assert.equal(queue.size, items.length);
        assert.equal(
          queue.bytes,
          items.reduce((sum, { bytes }) => sum + bytes, 0),
        );
        const arrivals = items.map(({ acceptedAt }) => acceptedAt);
        assert.deepEqual(
          arrivals,
          arrivals.toSorted((a, b) => a - b),
        );
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

test('a call whose turn comes with less time left than a run needs is refused, and the next one is taken', () => {
  const queue = new WaitQueue<Item>();
  for (const next of [item('a', 0, 300), item('b', 10, 1000)]) queue.add(next, 10);
  const { next, refused, expired } = queue.take(150, 200);
  assert.equal(next?.name, 'b');
  assert.equal(names(refused), 'a');
  assert.equal(expired.length, 0);
  assert.equal(queue.size, 0);
});

test('without early refusal a call is taken as long as it is in time', () => {
  const queue = new WaitQueue<Item>({ earlyRefusal: false });
  queue.add(item('a', 0, 300), 0);
  assert.equal(queue.take(150, 200).next?.name, 'a');
});
