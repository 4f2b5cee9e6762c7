import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Parkable, Parking } from '../../../gateway/dispatch/wait-queue.ts';

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
  const parking = new Parking<Item>();
  for (const next of [item('b', 10), item('c', 20), item('a', 0)]) parking.add(next, 25);
  assert.equal(names(parking), 'abc');
  assert.equal(parking.take(30)?.name, 'a');
  assert.equal(parking.take(30)?.name, 'b');
});

test('the newest goes first while the oldest has waited for more than 0.6 of its budget', () => {
  const parking = new Parking<Item>();
  for (const next of [item('a', 0), item('b', 500), item('c', 550)]) parking.add(next, 600);
  assert.equal(parking.take(601)?.name, 'c');
  assert.equal(parking.take(599)?.name, 'a');
});

test('the newest goes first for one budget after something was given up', () => {
  const parking = new Parking<Item>();
  parking.add(item('a', 0), 0);
  parking.gaveUp(item('x', -500), 0);
  parking.add(item('b', 1), 1);
  assert.equal(parking.take(2)?.name, 'b');
  parking.delete([...parking][0] ?? item('', 0));
  for (const next of [item('c', 990), item('d', 995)]) parking.add(next, 999);
  assert.equal(parking.take(1001)?.name, 'c');
});

test('what has expired is dropped, never taken', () => {
  const parking = new Parking<Item>();
  parking.add(item('a', 0, 100), 0);
  parking.add(item('b', 0, 200), 0);
  assert.equal(parking.take(100)?.name, 'b');
  assert.equal(parking.take(100), undefined);
  assert.equal(parking.size, 0);
});

test('the oldest are given up when the bodies take more bytes than allowed', () => {
  const parking = new Parking<Item>({ maxBytes: 10 });
  for (const name of ['a', 'b', 'c']) parking.add(item(name, 0, 1000, 4), 0);
  assert.equal(names(parking.shed(0)), 'a');
  assert.equal(parking.bytes, 8);
});

/** Takes one of many items every `stepMs`, as slots come free. */
function drain(parking: Parking<Item>, count: number, stepMs: number, startAt: number): number {
  let now = startAt;
  for (let taken = 0; taken < count; taken++) {
    now += stepMs;
    parking.take(now);
  }
  return now;
}

test('the oldest are given up while the queue would outlast what the newest has left', () => {
  const parking = new Parking<Item>();
  for (let count = 0; count < 100; count++) parking.add(item('x', 0), 0);
  const now = drain(parking, 20, 20, 0);
  const before = parking.size;
  const givenUp = parking.shed(now).length;
  // 600 ms are left: 45 calls at 20 ms fit into one and a half of that.
  assert.equal(before - givenUp, 45);
  assert.equal(Math.round(parking.waitMs ?? 0), 900);
});

test('early refusal can be switched off', () => {
  const parking = new Parking<Item>({ earlyRefusal: false });
  for (let count = 0; count < 100; count++) parking.add(item('x', 0), 0);
  assert.equal(parking.shed(drain(parking, 20, 20, 0)).length, 0);
});

test('a pause in which nothing was parked does not count in the rate', () => {
  const parking = new Parking<Item>();
  for (let count = 0; count < 20; count++) parking.add(item('x', 0), 0);
  drain(parking, 20, 10, 0);
  assert.equal(parking.waitMs, undefined);
  for (let count = 0; count < 30; count++) parking.add(item('y', 60_000), 60_000);
  assert.equal(parking.shed(60_000).length, 0);
  drain(parking, 18, 10, 60_000);
  assert.equal(Math.round(parking.waitMs ?? 0), 120);
});

test('in any order of adding, taking and deleting it stays a queue by arrival with the right size and bytes', () => {
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
      fc.record({ do: fc.constant('shed' as const) }),
    ),
    { maxLength: 80 },
  );
  fc.assert(
    fc.property(steps, (all) => {
      const parking = new Parking<Item>({ maxBytes: 60 });
      const inside = new Set<Item>();
      let now = 1000;
      for (const step of all) {
        now += 7;
        if (step.do === 'add') {
          const added = item('x', step.at, step.budget, step.bytes);
          inside.add(added);
          parking.add(added, now);
        } else if (step.do === 'take') {
          const taken = parking.take(now);
          if (taken !== undefined) assert.ok(taken.deadlineAt > now && inside.has(taken));
          const left = new Set(parking);
          for (const one of inside) if (!left.has(one)) assert.ok(one === taken || one.deadlineAt <= now);
        } else if (step.do === 'shed') parking.shed(now);
        else parking.delete([...parking][step.index] ?? item('', 0));
        const items = [...parking];
        for (const one of items) assert.ok(inside.has(one));
        for (const one of inside) if (!items.includes(one)) inside.delete(one);
        assert.equal(parking.size, items.length);
        assert.equal(
          parking.bytes,
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

test('a call whose turn comes with less time left than a run needs is given up, and the next one is taken', () => {
  const parking = new Parking<Item>();
  for (const next of [item('a', 0, 300), item('b', 10, 1000)]) parking.add(next, 10);
  assert.equal(parking.take(150, 200)?.name, 'b');
  assert.equal(names(parking.shed(150)), 'a');
  assert.equal(names(parking.shed(150)), '');
  assert.equal(parking.size, 0);
});

test('without early refusal a call is taken as long as it is in time', () => {
  const parking = new Parking<Item>({ earlyRefusal: false });
  parking.add(item('a', 0, 300), 0);
  assert.equal(parking.take(150, 200)?.name, 'a');
});
