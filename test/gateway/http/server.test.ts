import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { Agent, request, type ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { descriptorLimit, serverLimits } from '../../../gateway/http/limits.ts';
import { HttpServer } from '../../../gateway/http/server.ts';
import { RawClient, startServer, until } from './harness.ts';

const GOOD = 'GET /good HTTP/1.1\r\nHost: a\r\n\r\n';

test('a drain with keep-alive callers loses no request and ends long before their connections would', async (t) => {
  const harness = await startServer(t, {
    listener: (_incoming, outgoing) => void setTimeout(() => outgoing.end('ok'), 5),
  });
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  t.after(() => agent.destroy());
  let answered = 0;
  let isOver = false;
  const callers = Array.from({ length: 20 }, async () => {
    while (!isOver) {
      const connection = await call(agent, harness.server.port);
      answered += 1;
      if (connection === 'close') return;
    }
  });
  const idle = new RawClient(harness.server.port);
  idle.send(GOOD);
  await idle.answersCome(1);
  const silent = new RawClient(harness.server.port);
  await until(() => answered > 100 && harness.server.connections === 22);
  await harness.server.drain();
  isOver = true;
  await Promise.all(callers);
  await Promise.all([idle.closed, silent.closed]);
  assert.equal(harness.server.connections, 0);
  assert.equal(harness.server.counts.inFlight, 0);
});

test('a drain waits for requests that run, answers them with Connection: close, and takes nobody new', async (t) => {
  const waiting: ServerResponse[] = [];
  const harness = await startServer(t, { listener: (_incoming, outgoing) => void waiting.push(outgoing) });
  const client = new RawClient(harness.server.port);
  client.send(GOOD + GOOD + GOOD);
  await until(() => waiting.length === 3);
  let isDrained = false;
  const drained = Promise.resolve(harness.server.drain()).then(() => {
    isDrained = true;
  });
  const late = new RawClient(harness.server.port);
  await late.closed;
  assert.equal(late.ended, 'ECONNREFUSED');
  client.send(GOOD);
  await until(() => waiting.length === 4);
  assert.equal(isDrained, false);
  for (const outgoing of waiting) outgoing.end();
  await client.closed;
  assert.deepEqual(
    client.answers.map((answer) => answer.headers.get('connection')),
    ['keep-alive', 'keep-alive', 'keep-alive', 'close'],
  );
  await drained;
});

test('requests that are held at the drain are answered, too', async (t) => {
  const harness = await startServer(t, {
    limits: { pipelined: 2 },
    listener: (_incoming, outgoing) => void setTimeout(() => outgoing.end(), 2),
  });
  const client = new RawClient(harness.server.port);
  client.send(GOOD.repeat(50));
  await until(() => harness.server.counts.held > 0);
  await harness.server.drain();
  await client.closed;
  assert.equal(client.answers.length, 50);
  assert.equal(client.answers.at(-1)?.headers.get('connection'), 'close');
});

test('a request that is half sent at the drain is waited for within its limit', async (t) => {
  const harness = await startServer(t, {
    limits: { headersTimeoutMs: 400, requestTimeoutMs: 800, connectionsCheckingIntervalMs: 50 },
  });
  const slow = new RawClient(harness.server.port);
  slow.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel');
  const stuck = new RawClient(harness.server.port);
  stuck.send('POST / HTTP/1.1\r\nHo');
  await until(() => harness.server.counts.inFlight === 1 && harness.server.connections === 2);
  const drained = harness.server.drain();
  slow.send('lo');
  const [answer] = await slow.answersCome(1);
  assert.equal(answer?.body, 'hello');
  assert.equal(answer?.headers.get('connection'), 'close');
  await stuck.closed;
  assert.equal(stuck.answers[0]?.status, 408);
  await drained;
});

test('a stop ends what a drain would wait for', async (t) => {
  const harness = await startServer(t, { listener: () => {} });
  const client = new RawClient(harness.server.port);
  client.send(GOOD);
  await until(() => harness.server.counts.inFlight === 1);
  const drained = harness.server.drain();
  await harness.server.stop();
  await drained;
  await client.closed;
  assert.equal(harness.server.connections, 0);
  assert.equal(harness.server.counts.inFlight, 0);
});

test('a drain without connections, and a stop without a start, end at once', async (t) => {
  const harness = await startServer(t);
  await harness.server.drain();
  const never = new HttpServer({
    name: 'http',
    host: '127.0.0.1',
    port: 0,
    log: pino({ level: 'silent' }),
    listener: () => {},
  });
  await never.stop();
});

test('a taken port is one clear line', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  t.after(() => other.close());
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await assert.rejects(startServer(t, { port }), { message: `port ${port} on 127.0.0.1 is taken` });
});

test('a host that is not of this machine is one clear line', async (t) => {
  await assert.rejects(startServer(t, { host: '192.0.2.1' }), {
    message: '192.0.2.1 is not an address of this machine',
  });
});

test('it does not start with an insecure parser', async (t) => {
  await assert.rejects(startServer(t, { nodeOptions: '--insecure-http-parser' }), /insecure-http-parser/);
  const module = new URL('../../../gateway/http/server.ts', import.meta.url).href;
  const script = `
    const { HttpServer } = await import(${JSON.stringify(module)});
    const options = { name: 'http', host: '127.0.0.1', port: 0, log: undefined, listener() {} };
    await new HttpServer(options).start().then(() => console.log('started'), (error) => console.log(error.message));
    process.exit();`;
  const args = ['--import', 'tsx', '--insecure-http-parser', '--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  assert.match(stdout, /insecure-http-parser/);
});

test('connections beyond the bound are closed as they come', async (t) => {
  const { server } = await startServer(t, { limits: { maxConnections: 2 } });
  const kept = [new RawClient(server.port), new RawClient(server.port)];
  await until(() => server.connections === 2);
  const surplus = new RawClient(server.port);
  await surplus.closed;
  assert.equal(server.counts.dropped, 1);
  for (const client of kept) {
    client.send(GOOD);
    await client.answersCome(1);
    await client.close();
  }
});

test('the bound of connections is under half the descriptors', () => {
  const { maxConnections } = serverLimits();
  assert.ok(maxConnections >= 16);
  assert.ok(maxConnections < Math.max(33, descriptorLimit() / 2));
});

test('5,000 idle connections are kept, and a good call is answered among them', async (t) => {
  const count = Math.min(5000, Math.floor(descriptorLimit() / 3));
  const harness = await startServer(t, {
    limits: { maxConnections: count + 10, headersTimeoutMs: 60_000, requestTimeoutMs: 60_000 },
  });
  const idle: RawClient[] = [];
  t.after(() => Promise.all(idle.map((client) => client.close())));
  while (idle.length < count) {
    for (let at = 0; at < 250 && idle.length < count; at += 1) idle.push(new RawClient(harness.server.port));
    await until(() => harness.server.connections === idle.length);
  }
  const client = new RawClient(harness.server.port);
  for (let turn = 1; turn <= 100; turn += 1) {
    client.send(GOOD);
    await client.answersCome(turn);
  }
  assert.equal(harness.server.connections, count + 1);
  await client.close();
  await harness.server.drain();
  assert.equal(harness.server.connections, 0);
});

/** One POST; resolves with the Connection header of its answer, rejects when it gets none. */
function call(agent: Agent, port: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ agent, host: '127.0.0.1', port, method: 'POST' }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => resolve(incoming.headers.connection));
      incoming.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end('hello');
  });
}
