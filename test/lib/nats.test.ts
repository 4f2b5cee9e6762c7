import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { connect as connectSocket, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Bus, type BusMessage, NO_DATA } from '../../lib/bus.ts';
import { NatsBus } from '../../lib/nats.ts';
import { randomToken } from '../../lib/random-token.ts';
import { recordingLog, silentLog } from '../support/log.ts';
import { connection, connectTestBus, startTestServer } from '../support/nats.ts';
import { connectRaw } from '../support/raw-nats.ts';

/** The next message for `subject`. */
function nextMessage(bus: Bus, subject: string): Promise<BusMessage> {
  return new Promise((resolve) => {
    const subscription = bus.subscribe(subject, (message) => {
      subscription.unsubscribe();
      resolve(message);
    });
  });
}

/** Repeats `probe` until it is true; rejects after `limitMs`. */
async function until(probe: () => boolean, limitMs = 5000): Promise<void> {
  const giveUpAt = performance.now() + limitMs;
  while (!probe()) {
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${probe}`);
    await pause(5);
  }
}

test('a broker that is killed is missed at once, and found again within a second of its return', async (t) => {
  const server = await startTestServer(t);
  const { log, find } = recordingLog();
  const bus = await connectTestBus(t, server.url, { log });
  const changes: boolean[] = [];
  bus.onConnection((connected) => changes.push(connected));
  const subscription = bus.subscribe('a.*', () => {});

  const killedAt = performance.now();
  server.kill('SIGKILL');
  await connection(bus, false);
  assert.ok(performance.now() - killedAt < 500);
  assert.throws(() => bus.publish('a', NO_DATA), { code: 'not_connected' });
  await assert.rejects(bus.flush(), { code: 'not_connected' });
  const madeWhileAway = nextMessage(bus, 'b');
  await subscription.drain();
  await pause(600);

  await startTestServer(t, { port: server.port });
  const backAt = performance.now();
  await connection(bus, true);
  assert.ok(performance.now() - backAt < 1000);
  bus.publish('a.1', NO_DATA);
  bus.publish('b', NO_DATA);
  assert.equal((await madeWhileAway).subject, 'b');
  assert.deepEqual(changes, [false, true]);
  assert.equal(find('lost the broker').length, 1);
});

test('without a broker the bus starts, and what was subscribed works when the broker comes', async (t) => {
  const probe = await startTestServer(t);
  await probe.stop();
  const { log, find } = recordingLog();
  const bus = new NatsBus({ servers: `127.0.0.1:${probe.port}`, name: 'test', log });
  t.after(() => bus.close());
  const received = nextMessage(bus, 'a');
  bus.start();
  await until(() => find('cannot connect').length > 0);
  assert.equal(bus.connected, false);
  assert.throws(() => bus.publish('a', NO_DATA), { code: 'not_connected' });

  await startTestServer(t, { port: probe.port });
  await connection(bus, true, 1500);
  bus.publish('a', NO_DATA);
  await received;
  assert.equal(find('cannot connect').length, 1, 'one line, not one for each attempt');
});

test('a bus that found no broker closes at once', async () => {
  const bus = new NatsBus({ servers: '127.0.0.1:1', name: 'test', log: silentLog });
  bus.start();
  await pause(20);
  const startedAt = performance.now();
  await bus.close();
  assert.ok(performance.now() - startedAt < 100);
});

test('a message with malformed headers and an empty body is delivered, and deafens nobody', async (t) => {
  const server = await startTestServer(t);
  const bus = await connectTestBus(t, server.url);
  const got: BusMessage[] = [];
  bus.subscribe('r.*', (message) => got.push(message));
  await bus.flush();
  const socket = connectSocket(server.port, '127.0.0.1');
  t.after(() => socket.destroy());
  await once(socket, 'data');
  const blocks = [
    'NATS/1.0\r\nBad Name: x\r\n\r\n',
    'NATS/1.0\r\nno colon\r\n\r\n',
    'NATS/1.0\r\n: x\r\n\r\n',
    'HTTP/1.1\r\n\r\n',
    '\r\n\r\n',
    'NATS/1.0 999999999999999999999\r\n\r\n',
    'NATS/1.0\r\n\xff\xfe: \x00\r\n\r\n',
  ];
  socket.write('CONNECT {"headers":true,"no_responders":true}\r\n');
  for (const block of blocks)
    socket.write(`HPUB r.1 ${block.length} ${block.length}\r\n${block}\r\n`, 'latin1');
  await until(() => got.length === blocks.length);
  const headers = got.map((message) => message.headers());
  assert.deepEqual(
    headers.map((one) => one === undefined),
    [true, true, true, true, true, false, true],
  );
  assert.ok(got.every((message) => !message.noResponders));
  bus.publish('r.2', NO_DATA);
  await until(() => got.length === blocks.length + 1);
});

test('what one turn of the event loop publishes leaves in one write', async (t) => {
  const server = await startTestServer(t);
  const bus = await connectTestBus(t, server.url);
  const writes = t.mock.method(Socket.prototype, 'write');
  const body = new Uint8Array(256);
  let published = 0;
  const allPublished = new Promise<void>((resolve) => {
    for (let index = 0; index < 50; index++) {
      setTimeout(() => {
        bus.publish('a', body, { reply: 'r.1', headers: [['Now-Call', String(index)]] });
        if (++published === 50) resolve();
      }, 1);
    }
  });
  // All timers are due before the first one runs: 50 callbacks in one turn.
  const dueAt = performance.now() + 5;
  while (performance.now() < dueAt);
  await allPublished;
  assert.equal(writes.mock.callCount(), 0, 'nothing leaves before the end of the turn');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(writes.mock.callCount(), 1);
});

test('a refused subject is logged once and harms nothing else', async (t) => {
  const server = await startTestServer(t, {
    config: `authorization { users: [
      { user: u, password: "s3cret", permissions: { publish: { deny: "no.>" }, subscribe: { deny: "no.>" } } }
    ] }`,
  });
  const { log, lines, find } = recordingLog();
  const bus = await connectTestBus(t, `nats://u:s3cret@127.0.0.1:${server.port}`, { log });
  const received = nextMessage(bus, 'yes');
  bus.subscribe('no.sub', () => {});
  for (let round = 0; round < 3; round++) {
    bus.publish('no.pub', NO_DATA);
    await bus.flush();
  }
  bus.publish('yes', NO_DATA);
  await received;
  assert.equal(bus.connected, true);
  assert.deepEqual(
    find('refuses').map((line) => [line.operation, line.subject]),
    [
      ['subscription', 'no.sub'],
      ['publish', 'no.pub'],
    ],
  );
  assert.ok(!JSON.stringify(lines).includes('s3cret'));
});

test('a subscription that was refused is made again when the broker comes back with other permissions', async (t) => {
  const user = (permissions: string) => `authorization { users: [ { user: u, password: p${permissions} } ] }`;
  const server = await startTestServer(t, { config: user(', permissions: { subscribe: { deny: "a" } }') });
  const bus = await connectTestBus(t, `nats://u:p@127.0.0.1:${server.port}`);
  const received = nextMessage(bus, 'a');
  await bus.flush();
  server.kill('SIGKILL');
  await connection(bus, false);
  await server.exited;
  await startTestServer(t, { port: server.port, config: user('') });
  await connection(bus, true);
  bus.publish('a', NO_DATA);
  await received;
});

test('a limit that is lower after a reconnect is honoured', async (t) => {
  const server = await startTestServer(t);
  const bus = await connectTestBus(t, server.url);
  assert.equal(bus.maxPayload, 1024 * 1024);
  server.kill('SIGKILL');
  await connection(bus, false);
  assert.equal(bus.maxPayload, 1024 * 1024);
  await server.exited;
  await startTestServer(t, { port: server.port, config: 'max_payload: 1000' });
  await connection(bus, true);
  assert.equal(bus.maxPayload, 1000);
  assert.throws(() => bus.publish('a', new Uint8Array(1001)), { code: 'too_large' });
  bus.publish('a', new Uint8Array(1000));
  await bus.flush();
});

test('credentials that are revoked and given back are survived, and never logged', async (t) => {
  const file = join(tmpdir(), `nats-users-${randomToken()}.conf`);
  t.after(() => rm(file, { force: true }));
  const allow = (password: string) => writeFile(file, `authorization { user: u, password: "${password}" }\n`);
  await allow('first-secret');
  const server = await startTestServer(t, { config: `include "../${basename(file)}"` });
  const { log, lines, find } = recordingLog();
  const bus = await connectTestBus(t, `nats://u:first-secret@127.0.0.1:${server.port}`, { log });
  const received = nextMessage(bus, 'a');
  await bus.flush();

  await allow('other-secret');
  server.kill('SIGHUP');
  await connection(bus, false);
  await until(() => find('closed for good').length > 0);
  await until(() => find('cannot connect').length > 0);
  await allow('first-secret');
  server.kill('SIGHUP');
  await connection(bus, true);
  bus.publish('a', NO_DATA);
  await received;
  assert.ok(find('closed for good').every((line) => line.level === 50));
  assert.ok(!JSON.stringify(lines).includes('first-secret'));
});

test('a broker that is stopped is missed within 6 s, and found again when it goes on', async (t) => {
  const server = await startTestServer(t);
  const bus = await connectTestBus(t, server.url);
  const stoppedAt = performance.now();
  server.kill('SIGSTOP');
  t.after(() => server.kill('SIGCONT'));
  await connection(bus, false);
  assert.ok(performance.now() - stoppedAt < 7000);
  server.kill('SIGCONT');
  await connection(bus, true, 4000);
});

test('without another server a broker that shuts down slowly is used until it closes', async (t) => {
  const server = await startTestServer(t);
  const { log, find } = recordingLog();
  const bus = await connectTestBus(t, server.url, { log });
  server.kill('SIGUSR2');
  await until(() => find('shuts down').length > 0);
  const received = nextMessage(bus, 'a');
  bus.publish('a', NO_DATA);
  await received;
  server.kill('SIGKILL');
  await connection(bus, false);
  await server.exited;
  await startTestServer(t, { port: server.port });
  await connection(bus, true, 2500);
  const again = nextMessage(bus, 'b');
  bus.publish('b', NO_DATA);
  await again;
});

/** Two servers in one cluster. */
async function startCluster(t: TestContext) {
  const cluster = (routes: string) =>
    `cluster { name: test, listen: "127.0.0.1:-1", ping_interval: "2s" ${routes} }\nhttp: "127.0.0.1:-1"`;
  const first = await startTestServer(t, { config: cluster('') });
  const second = await startTestServer(t, {
    config: cluster(`, routes: ["nats://127.0.0.1:${first.clusterPort}"]`),
  });
  return [first, second] as const;
}

test('moving off a broker that shuts down loses and doubles nothing', async (t) => {
  const [first, second] = await startCluster(t);
  const { log, find } = recordingLog();
  // Only the first server is named: the second one is found out.
  const [caller, worker] = [await connectTestBus(t, first.url, { log }), await connectTestBus(t, first.url)];
  const outside = await connectRaw(t, second.url);
  assert.equal(caller.clustered, true);

  const answers = new Map<string, number>();
  const calls = new Map<string, number>();
  const signals = new Map<string, number>();
  const count = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1);
  caller.subscribe('r.*', (message) => count(answers, message.subject));
  caller.subscribe('signal', (message) => count(signals, Buffer.from(message.data).toString()));
  worker.subscribe('call', (message) => {
    count(calls, message.reply ?? '');
    setTimeout(() => worker.publish(message.reply ?? '', message.data), 20);
  });
  await Promise.all([caller.flush(), worker.flush()]);
  await until(() => outside.info?.connect_urls?.length === 2);

  let sent = 0;
  const traffic = setInterval(() => {
    const id = String(sent++);
    caller.publish('call', Buffer.from(id), { reply: `r.${id}` });
    outside.publish('signal', id);
  }, 1);
  await pause(200);
  first.kill('SIGUSR2');
  await until(() => find('connected to the broker').length === 2);
  await pause(1000);
  clearInterval(traffic);
  await until(() => answers.size === sent && signals.size === sent).catch(() => undefined);
  for (const counts of [calls, answers, signals]) {
    assert.equal(counts.size, sent, 'each arrived');
    assert.ok(
      [...counts.values()].every((times) => times === 1),
      'none arrived twice',
    );
  }
  first.kill('SIGKILL');
  await pause(100);
  assert.equal(caller.connected && worker.connected, true, 'nothing depends on the first server');
});
