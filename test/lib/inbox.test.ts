import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_DATA } from '../../lib/bus.ts';
import { Inbox } from '../../lib/inbox.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock });
  const bus = broker.connect();
  const inbox = new Inbox(bus, 'now.reply.me');
  inbox.start();
  return { clock, broker, bus, inbox };
}

test('each reply reaches whom its subject was opened for, all of them until it is closed', async () => {
  const { clock, bus, inbox } = setUp();
  const got: string[] = [];
  const [one, two] = [inbox.open(() => got.push('one')), inbox.open(() => got.push('two'))];
  assert.match(one, /^now\.reply\.me\.[A-Za-z0-9_-]{16}$/);
  assert.notEqual(one, two);
  for (const subject of [one, two, two]) bus.publish(subject, NO_DATA);
  await clock.advance(1);
  assert.deepEqual(got, ['one', 'two', 'two']);
  inbox.close(two);
  bus.publish(two, NO_DATA);
  await clock.advance(1);
  assert.equal(got.length, 3);
  assert.equal(inbox.late, 1);
  assert.equal(inbox.size, 1);
});

test('the 503 of a subject that nobody takes arrives as a reply', async () => {
  const { clock, bus, inbox } = setUp();
  const got: boolean[] = [];
  bus.publish('nobody', NO_DATA, { reply: inbox.open((message) => got.push(message.noResponders)) });
  await clock.advance(1);
  assert.deepEqual(got, [true]);
});

test('a stopped inbox gets nothing and has nothing open', async () => {
  const { clock, bus, inbox } = setUp();
  const got: unknown[] = [];
  const subject = inbox.open((message) => got.push(message));
  inbox.stop();
  bus.publish(subject, NO_DATA);
  await clock.advance(1);
  assert.deepEqual(got, []);
  assert.equal(inbox.size, 0);
  assert.equal(bus.subscriptions, 0);
});
