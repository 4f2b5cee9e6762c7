import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { seededRandom } from '../support/random.ts';

interface Item extends Expiring {
  readonly name: string;
}

function setUp(onExpired: (item: Item, deadlines: Deadlines<Item>) => void = () => {}) {
  const clock = new FakeClock();
  const startAt = clock.now();
  const expired: [name: string, atMs: number][] = [];
  const deadlines: Deadlines<Item> = new Deadlines(clock, (item) => {
    expired.push([item.name, clock.now() - startAt]);
    onExpired(item, deadlines);
  });
  const item = (name: string, inMs: number): Item => ({ name, deadlineAt: clock.now() + inMs });
  return { clock, deadlines, expired, item };
}

test('items expire in the order of their deadlines, never early and at most a step late', () => {
  const { clock, deadlines, expired, item } = setUp();
  const random = seededRandom(7);
  const wanted = new Map(Array.from({ length: 500 }, (_, index) => [`${index}`, random() * 2000]));
  for (const [name, inMs] of wanted) deadlines.add(item(name, inMs));
  clock.advanceSync(2100);
  assert.equal(expired.length, 500);
  for (const [name, atMs] of expired) {
    const lateMs = atMs - (wanted.get(name) ?? Number.NaN);
    assert.ok(lateMs >= 0 && lateMs <= 20, `${name} was ${lateMs} ms late`);
  }
  assert.deepEqual(
    expired.map(([, atMs]) => atMs),
    expired.map(([, atMs]) => atMs).sort((a, b) => a - b),
  );
});

test('a deadline that has passed expires at the next step', () => {
  const { clock, deadlines, expired, item } = setUp();
  deadlines.add(item('past', -1000));
  deadlines.add(item('now', 0));
  clock.advanceSync(20);
  assert.deepEqual(expired.map(([name]) => name).sort(), ['now', 'past']);
});

test('a deleted item does not expire, and is said to have been there once', () => {
  const { clock, deadlines, expired, item } = setUp();
  const [kept, deleted, past] = [item('kept', 50), item('deleted', 50), item('past', -50)];
  for (const one of [kept, deleted, past]) deadlines.add(one);
  assert.equal(deadlines.delete(deleted), true);
  assert.equal(deadlines.delete(deleted), false);
  assert.equal(deadlines.delete(past), true);
  assert.equal(deadlines.size, 1);
  clock.advanceSync(100);
  assert.deepEqual(
    expired.map(([name]) => name),
    ['kept'],
  );
  assert.equal(deadlines.delete(kept), false);
});

test('an item added twice expires once', () => {
  const { clock, deadlines, expired, item } = setUp();
  const one = item('one', 30);
  deadlines.add(one);
  clock.advanceSync(15);
  deadlines.add(one);
  assert.equal(deadlines.size, 1);
  clock.advanceSync(100);
  assert.equal(expired.length, 1);
});

test('what is added while items expire expires too', () => {
  let rounds = 0;
  const { clock, deadlines, expired, item } = setUp((_, all) => {
    if (++rounds < 4) all.add(item(`round ${rounds}`, -5));
  });
  for (let index = 0; index < 20; index++) deadlines.add(item(`far ${index}`, 10_000 + index * 10));
  deadlines.add(item('first', 30));
  clock.freeze(60);
  clock.advanceSync(100);
  assert.deepEqual(
    expired.map(([name]) => name),
    ['first', 'round 1', 'round 2', 'round 3'],
  );
});

test('what is deleted while items expire does not expire any more', () => {
  const { clock, deadlines, expired, item } = setUp((_, all) => {
    for (const one of others) all.delete(one);
  });
  const others = [item('same bucket', 30), item('later bucket', 45)];
  deadlines.add(item('first', 30));
  for (const one of others) deadlines.add(one);
  clock.freeze(60);
  clock.advanceSync(100);
  assert.deepEqual(
    expired.map(([name]) => name),
    ['first'],
  );
  assert.equal(deadlines.size, 0);
});

test('an exception of one expiry keeps no other from expiring', () => {
  const { clock, deadlines, expired, item } = setUp((one) => {
    if (one.name === 'bad') throw new Error('thrown by a test');
  });
  for (const name of ['one', 'bad', 'two']) deadlines.add(item(name, 30));
  assert.throws(() => clock.advanceSync(50), /thrown by a test/);
  assert.equal(expired.length, 3);
  assert.equal(deadlines.size, 0);
});

test('after a long stop all that is due expires in one sweep', () => {
  const { clock, deadlines, expired, item } = setUp();
  for (const [name, inMs] of [
    ['b', 5000],
    ['a', 100],
    ['later', 80_000_000],
  ] as const) {
    deadlines.add(item(name, inMs));
  }
  clock.freeze(70_000_000);
  clock.advanceSync(10);
  assert.deepEqual(
    expired.map(([name]) => name),
    ['a', 'b'],
  );
});

test('the timer goes on between one item and the next, and stops after half a second without any', () => {
  const { clock, deadlines, item } = setUp();
  assert.equal(clock.pending, 0);
  const one = item('one', 100);
  deadlines.add(one);
  assert.equal(clock.pending, 1);
  deadlines.delete(one);
  clock.advanceSync(400);
  assert.equal(clock.pending, 1);
  deadlines.add(item('two', 10));
  clock.advanceSync(500);
  assert.equal(clock.pending, 1);
  clock.advanceSync(100);
  assert.equal(clock.pending, 0);
  deadlines.add(item('three', 10));
  deadlines.clear();
  assert.equal(clock.pending, 0);
  assert.equal(deadlines.size, 0);
});

test('an item of another wheel is not deleted from this one', () => {
  const { deadlines, item } = setUp();
  const other = setUp().deadlines;
  const one = item('one', 100);
  other.add(one);
  assert.equal(deadlines.delete(one), false);
  assert.deepEqual([deadlines.size, other.size], [0, 1]);
});

test('in any order of adding, deleting and waiting it expires what a sorted list would, a step late at most', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), inMs: fc.integer({ min: -50, max: 700 }) }),
    fc.record({ do: fc.constant('delete' as const), index: fc.nat(30) }),
    fc.record({ do: fc.constant('wait' as const), ms: fc.nat(300) }),
    fc.record({ do: fc.constant('stall' as const), ms: fc.nat(2000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, deadlines, expired, item } = setUp();
      const startAt = clock.now();
      const plain: (Item & { dueAt: number })[] = [];
      let names = 0;
      for (const one of steps) {
        if (one.do === 'add') {
          const added = { ...item(`${names++}`, one.inMs), dueAt: clock.now() + Math.max(0, one.inMs) };
          plain.push(added);
          deadlines.add(added);
        } else if (one.do === 'delete') {
          const [deleted] = plain.splice(one.index, 1);
          if (deleted !== undefined) assert.equal(deadlines.delete(deleted), true);
        } else if (one.do === 'wait') clock.advanceSync(one.ms);
        else {
          clock.freeze(one.ms);
          clock.advanceSync(20);
        }
        const gone = new Set(expired.map(([name]) => name));
        for (const left of plain) {
          if (gone.has(left.name)) assert.ok(left.deadlineAt <= clock.now(), 'never early');
          else assert.ok(left.dueAt > clock.now() - 20, 'never late');
        }
        for (let at = plain.length - 1; at >= 0; at--)
          if (gone.has(plain[at]?.name ?? '')) plain.splice(at, 1);
        assert.equal(deadlines.size, plain.length);
        assert.deepEqual(
          new Set(deadlines.items().map(({ name }) => name)),
          new Set(plain.map(({ name }) => name)),
        );
      }
      assert.ok(expired.every(([, atMs]) => atMs >= 0 && atMs <= clock.now() - startAt));
    }),
    { seed: 1, numRuns: 300 },
  );
});
