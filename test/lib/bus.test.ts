import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Bus, type BusMessage, NO_DATA } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { systemClock } from '../../lib/clock.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { recordingLog } from '../support/log.ts';
import { connectTestBus, startTestServer } from '../support/nats.ts';

/** Makes connections to one broker; `failures` counts the exceptions of callbacks that it was told of. */
interface Broker {
  connect(): Promise<Bus>;
  failures(): number;
}

/** The machine's clock, but its timers keep the test alive. */
const liveClock: Clock = {
  ...systemClock,
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

const brokers: Record<string, (t: TestContext) => Promise<Broker>> = {
  'the fake bus': async (t) => {
    const broker = new FakeBroker({ clock: liveClock });
    return {
      connect: async () => {
        const bus = broker.connect();
        t.after(() => bus.close());
        return bus;
      },
      failures: () => broker.errors.length,
    };
  },
  'the bus on NATS': async (t) => {
    const server = await startTestServer(t);
    const { log, find } = recordingLog();
    return {
      connect: () => connectTestBus(t, server.url, { log }),
      failures: () => find('failed').length,
    };
  },
};

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (data: Uint8Array) => new TextDecoder().decode(data);

/** Keeps what arrives; `next` waits for the message after those it has given. */
function collector() {
  const got: BusMessage[] = [];
  let given = 0;
  let wake = () => {};
  return {
    got,
    onMessage: (message: BusMessage) => {
      got.push(message);
      wake();
    },
    async next(): Promise<BusMessage> {
      while (got.length <= given) await new Promise<void>((resolve) => (wake = resolve));
      return got[given++] ?? assert.fail();
    },
  };
}

for (const [name, start] of Object.entries(brokers)) {
  test(`${name} delivers subject, body, reply subject and headers unchanged`, async (t) => {
    const broker = await start(t);
    const [sender, receiver] = [await broker.connect(), await broker.connect()];
    const inbox = collector();
    receiver.subscribe('a.b', inbox.onMessage);
    await receiver.flush();
    const body = Uint8Array.from({ length: 256 }, (_, index) => index);
    sender.publish('a.b', body, {
      reply: 'r.1',
      headers: [
        ['Now-Call', 'one'],
        ['X-Fn-Name', 'Zoë: 1'],
        ['now-call', 'two'],
        ['__proto__', 'kept'],
        ['Empty', ''],
      ],
    });
    const message = await inbox.next();
    assert.equal(message.subject, 'a.b');
    assert.equal(message.reply, 'r.1');
    assert.equal(message.noResponders, false);
    assert.deepEqual(Buffer.from(message.data), Buffer.from(body));
    const headers = message.headers();
    for (const name of ['constructor', 'toString']) assert.equal(headers?.[name], undefined);
    assert.deepEqual(
      Object.entries(headers ?? {}),
      Object.entries({ 'now-call': 'one', 'x-fn-name': 'Zoë: 1', ['__proto__']: 'kept', empty: '' }),
    );
    assert.equal(headers, message.headers(), 'decoded once');
  });

  test(`${name} delivers a message without headers, reply subject and body`, async (t) => {
    const bus = await (await start(t)).connect();
    const inbox = collector();
    bus.subscribe('a', inbox.onMessage);
    bus.publish('a', NO_DATA);
    const message = await inbox.next();
    assert.equal(message.reply, undefined);
    assert.equal(message.data.length, 0);
    assert.equal(message.noResponders, false);
    assert.deepEqual(Object.keys(message.headers() ?? assert.fail()), []);
  });

  test(`${name} matches one token with * and all that follow with >`, async (t) => {
    const bus = await (await start(t)).connect();
    const [star, rest, literal] = [collector(), collector(), collector()];
    bus.subscribe('a.*.c', star.onMessage);
    bus.subscribe('a.>', rest.onMessage);
    bus.subscribe('a', literal.onMessage);
    for (const subject of ['a', 'a.b', 'a.b.c', 'a.b.c.d', 'b.b.c']) bus.publish(subject, NO_DATA);
    await bus.flush();
    const subjects = (messages: BusMessage[]) => messages.map((message) => message.subject);
    assert.deepEqual(subjects(star.got), ['a.b.c']);
    assert.deepEqual(subjects(rest.got), ['a.b', 'a.b.c', 'a.b.c.d']);
    assert.deepEqual(subjects(literal.got), ['a']);
  });

  test(`${name} gives each message to one member of a queue group and to everybody outside it`, async (t) => {
    const broker = await start(t);
    const [one, two, sender] = [await broker.connect(), await broker.connect(), await broker.connect()];
    const [first, second, watcher] = [collector(), collector(), collector()];
    one.subscribe('job', first.onMessage, { queue: 'workers' });
    two.subscribe('job', second.onMessage, { queue: 'workers' });
    two.subscribe('job', watcher.onMessage);
    await Promise.all([one.flush(), two.flush()]);
    for (let index = 0; index < 200; index++) sender.publish('job', bytes(String(index)));
    await sender.flush();
    await Promise.all([one.flush(), two.flush()]);
    assert.equal(watcher.got.length, 200);
    assert.equal(first.got.length + second.got.length, 200);
    assert.equal(new Set([...first.got, ...second.got].map((message) => text(message.data))).size, 200);
    assert.ok(first.got.length > 40 && second.got.length > 40, 'both members get their share');
  });

  test(`${name} tells who asked, and nobody else, that a subject has no subscriber`, async (t) => {
    const broker = await start(t);
    const [asking, other] = [await broker.connect(), await broker.connect()];
    const [inbox, foreign] = [collector(), collector()];
    asking.subscribe('r.*', inbox.onMessage);
    other.subscribe('r.*', foreign.onMessage);
    await other.flush();
    asking.publish(`nobody.${'x'.repeat(200)}`, bytes('x'), { reply: 'r.1' });
    const message = await inbox.next();
    assert.equal(message.noResponders, true);
    assert.equal(message.subject, 'r.1');
    assert.equal(message.data.length, 0);
    asking.publish('nobody', bytes('x'));
    await asking.flush();
    await other.flush();
    assert.equal(inbox.got.length, 1);
    assert.equal(foreign.got.length, 0);
  });

  test(`${name} keeps the order of one publisher's messages`, async (t) => {
    const bus = await (await start(t)).connect();
    const inbox = collector();
    bus.subscribe('n.*', inbox.onMessage);
    for (let index = 0; index < 500; index++) bus.publish(`n.${index}`, NO_DATA);
    await bus.flush();
    assert.deepEqual(
      inbox.got.map((message) => message.subject),
      Array.from({ length: 500 }, (_, index) => `n.${index}`),
    );
  });

  test(`${name} survives a callback that throws`, async (t) => {
    const broker = await start(t);
    const bus = await broker.connect();
    const inbox = collector();
    bus.subscribe('a', () => {
      throw new Error('thrown by a test');
    });
    bus.subscribe('a', inbox.onMessage);
    bus.publish('a', NO_DATA);
    bus.publish('a', NO_DATA);
    await inbox.next();
    await inbox.next();
    await bus.flush();
    assert.equal(broker.failures(), 2);
  });

  test(`${name} refuses at once what is larger than the broker takes, headers included`, async (t) => {
    const bus = await (await start(t)).connect();
    const inbox = collector();
    bus.subscribe('a', inbox.onMessage);
    const headers = [['X', 'y']] as const;
    const headerBytes = 'NATS/1.0\r\nX: y\r\n\r\n'.length;
    const body = new Uint8Array(bus.maxPayload - headerBytes);
    bus.publish('a', body, { headers });
    assert.equal((await inbox.next()).data.length, body.length);
    const oneMore = new Uint8Array(body.length + 1);
    assert.throws(() => bus.publish('a', oneMore, { headers }), {
      code: 'too_large',
      message: `message of ${bus.maxPayload + 1} bytes must be at most ${bus.maxPayload}, headers included`,
    });
    bus.publish('a', oneMore);
    assert.equal((await inbox.next()).data.length, oneMore.length);
  });

  test(`${name} refuses headers that would break out of their line`, async (t) => {
    const bus = await (await start(t)).connect();
    for (const pair of [
      ['X', 'a\r\nY: b'],
      ['X', 'a\nb'],
      ['X\r\nY', 'a'],
      ['X Y', 'a'],
      ['X:Y', 'a'],
      ['', 'a'],
      ['Zoë', 'a'],
    ] as const) {
      assert.throws(() => bus.publish('a', NO_DATA, { headers: [pair] }), { code: 'bad_header' }, pair[0]);
    }
  });

  test(`${name} refuses a subscription that would break the connection`, async (t) => {
    const bus = await (await start(t)).connect();
    for (const [subject, queue] of [
      ['a b'],
      [''],
      ['a..b'],
      ['a\r\nPING'],
      ['a', 'q q'],
      ['a', ''],
    ] as const) {
      assert.throws(() => bus.subscribe(subject, () => {}, { queue }), { code: 'bad_subject' }, subject);
    }
    await bus.flush();
  });

  test(`${name} drains a subscription without losing what is on the way`, async (t) => {
    const broker = await start(t);
    const [sender, receiver] = [await broker.connect(), await broker.connect()];
    const inbox = collector();
    const subscription = receiver.subscribe('a', inbox.onMessage);
    await receiver.flush();
    for (let index = 0; index < 100; index++) sender.publish('a', NO_DATA);
    await sender.flush();
    await subscription.drain();
    assert.equal(inbox.got.length, 100);
    sender.publish('a', NO_DATA);
    await sender.flush();
    await receiver.flush();
    assert.equal(inbox.got.length, 100, 'nothing after the drain');
    await subscription.drain();
  });

  test(`${name} delivers nothing after unsubscribe`, async (t) => {
    const broker = await start(t);
    const [sender, receiver] = [await broker.connect(), await broker.connect()];
    const inbox = collector();
    const subscription = receiver.subscribe('a', inbox.onMessage);
    await receiver.flush();
    sender.publish('a', NO_DATA);
    subscription.unsubscribe();
    subscription.unsubscribe();
    await sender.flush();
    await receiver.flush();
    assert.equal(inbox.got.length, 0);
  });

  test(`${name} sends what is pending before it closes, and nothing after`, async (t) => {
    const broker = await start(t);
    const [sender, receiver] = [await broker.connect(), await broker.connect()];
    const inbox = collector();
    receiver.subscribe('a', inbox.onMessage);
    await receiver.flush();
    const changes: boolean[] = [];
    sender.onConnection((connected) => changes.push(connected));
    sender.publish('a', bytes('last'));
    await sender.close();
    assert.equal(text((await inbox.next()).data), 'last');
    assert.equal(sender.connected, false);
    assert.deepEqual(changes, [false]);
    assert.throws(() => sender.publish('a', NO_DATA), { code: 'closed' });
    assert.throws(() => sender.subscribe('a', () => {}), { code: 'closed' });
    await assert.rejects(sender.flush(), { code: 'closed' });
    await sender.close();
  });
}
