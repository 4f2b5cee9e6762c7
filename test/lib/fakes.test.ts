import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BusMessage, NO_DATA } from '../../lib/bus.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { seededRandom } from '../support/random.ts';

test('the fake clock runs timers in the order of their time, and repeating ones once after a stop', async () => {
  const clock = new FakeClock();
  const startAt = clock.now();
  const ran: string[] = [];
  const note = (name: string) => ran.push(`${name} ${clock.now() - startAt}`);
  clock.after(30, () => note('c'));
  clock.after(10, () => note('a'));
  clock.after(10, () => note('b'));
  const cancel = clock.every(20, () => note('every'));
  clock.after(15, () => note('cancelled'))();
  await clock.advance(30);
  assert.deepEqual(ran, ['a 10', 'b 10', 'every 20', 'c 30']);
  clock.freeze(100);
  clock.advanceSync(0);
  assert.deepEqual(ran.slice(4), ['every 130']);
  clock.after(5, () => clock.after(5, () => note('nested')));
  await clock.runAll();
  assert.equal(ran.at(-1), 'nested 140');
  cancel();
  assert.equal(clock.pending, 0);
});

test('hosts of one fake clock share its time, not its wall clock', () => {
  const clock = new FakeClock();
  const host = clock.host({ wallOffsetMs: 3_600_000, startMs: 5 });
  assert.equal(host.wall() - clock.wall(), 3_600_000);
  assert.equal(host.now(), 5);
  clock.advanceSync(10);
  assert.equal(host.now(), 15);
  host.wallOffsetMs = -1000;
  assert.equal(host.wall() - clock.wall(), -1000);
});

test('what is on the way when a fake connection breaks is lost, and its subscriptions return with it', async () => {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock, latencyMs: 1 });
  const [sender, receiver] = [broker.connect(), broker.connect()];
  const got: BusMessage[] = [];
  const changes: boolean[] = [];
  receiver.subscribe('a', (message) => got.push(message));
  receiver.onConnection((connected) => changes.push(connected));
  await clock.advance(5);
  sender.publish('a', NO_DATA);
  receiver.disconnect();
  await clock.advance(5);
  assert.equal(got.length, 0);
  assert.throws(() => receiver.publish('a', NO_DATA), { code: 'not_connected' });
  receiver.reconnect();
  await clock.advance(5);
  sender.publish('a', NO_DATA);
  await clock.advance(5);
  assert.equal(got.length, 1);
  broker.stop();
  assert.equal(sender.connected, false);
  broker.start();
  assert.equal(sender.connected, true);
  assert.deepEqual(changes, [false, true, false, true]);
});

test('the same seed chooses the same members of a queue group', async () => {
  const choices = async (seed: number) => {
    const clock = new FakeClock();
    const broker = new FakeBroker({ clock, random: seededRandom(seed) });
    const chosen: number[] = [];
    for (const member of [0, 1, 2])
      broker.connect().subscribe('a', () => chosen.push(member), { queue: 'q' });
    const sender = broker.connect();
    for (let index = 0; index < 30; index++) sender.publish('a', NO_DATA);
    await clock.advance(1);
    return chosen.join('');
  };
  assert.equal(await choices(1), await choices(1));
  assert.notEqual(await choices(1), await choices(2));
});

test('a malformed message that is put into the fake broker has no headers', async () => {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock });
  const got: BusMessage[] = [];
  broker.connect().subscribe('a', (message) => got.push(message));
  await clock.advance(1);
  broker.inject('a', NO_DATA, { headerBlock: Buffer.from('NATS/1.0\r\nBad Name: x\r\n\r\n') });
  await clock.advance(1);
  assert.deepEqual(
    got.map((message) => message.headers()),
    [undefined],
  );
});
