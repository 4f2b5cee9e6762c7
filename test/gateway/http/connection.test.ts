import assert from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { ServerOptions } from '../../../gateway/http/server.ts';
import { problemSchema } from '../../../protocol/problem.ts';
import { echo, type Harness, RawClient, startServer, until } from './harness.ts';

const GOOD = 'GET /good HTTP/1.1\r\nHost: a\r\n\r\n';
const numbered = (at: number): string => `GET /${at} HTTP/1.1\r\nHost: a\r\n\r\n`;
const manyRequests = (count: number): string =>
  Array.from({ length: count }, (_, at) => numbered(at)).join('');

/** A listener that answers when told, and how many of its requests are open. */
class Gate {
  readonly waiting: ServerResponse[] = [];
  readonly gone: ServerResponse[] = [];
  most = 0;

  readonly listener: ServerOptions['listener'] = (incoming, outgoing) => {
    this.waiting.push(outgoing);
    this.most = Math.max(this.most, this.waiting.length);
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) this.gone.push(outgoing);
    });
    incoming.resume();
  };

  answerAll(body = ''): void {
    for (const outgoing of this.waiting.splice(0)) outgoing.end(body);
  }
}

async function assertEmpty({ server }: Harness): Promise<void> {
  await until(() => server.connections === 0);
  assert.equal(server.counts.inFlight, 0);
  assert.equal(server.counts.held, 0);
}

test('2,000 pipelined requests are answered in order, at most 16 at once', async (t) => {
  let running = 0;
  let most = 0;
  const harness = await startServer(t, {
    listener(incoming, outgoing) {
      running += 1;
      most = Math.max(most, running);
      setImmediate(() => {
        running -= 1;
        outgoing.end(incoming.url);
      });
    },
  });
  const client = new RawClient(harness.server.port);
  client.send(manyRequests(2000));
  const answers = await client.answersCome(2000);
  answers.forEach((answer, at) => {
    assert.equal(answer.body, `/${at}`);
  });
  assert.equal(most, 16);
  await client.close();
  await assertEmpty(harness);
});

test('what is held is bounded by one read of the socket, however much is sent', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener });
  const client = new RawClient(harness.server.port);
  client.send(manyRequests(50_000));
  await until(() => harness.server.counts.held > 0);
  for (let turn = 0; turn < 20; turn += 1) {
    const { length } = gate.waiting;
    gate.answerAll('x'.repeat(10_000));
    await until(() => gate.waiting.length === length);
    assert.ok(harness.server.counts.held <= 3000, `${harness.server.counts.held} are held`);
  }
  assert.equal(gate.most, 16);
  await client.close();
  gate.answerAll();
  await assertEmpty(harness);
});

test('bodies of pipelined requests do not make the socket run ahead', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener, limits: { pipelined: 2 } });
  const client = new RawClient(harness.server.port);
  const request = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000\r\n\r\n${'x'.repeat(3000)}`;
  client.send(request.repeat(500));
  for (let done = 0; done < 500; ) {
    await until(() => gate.waiting.length > 0);
    assert.ok(harness.server.counts.held <= 25, `${harness.server.counts.held} are held`);
    done += gate.waiting.length;
    gate.answerAll();
  }
  await client.answersCome(500);
  assert.equal(gate.most, 2);
  await client.close();
  await assertEmpty(harness);
});

test('held requests never run when their caller has gone, and those that run are told', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener });
  const client = new RawClient(harness.server.port);
  client.send(manyRequests(200));
  await until(() => harness.server.counts.held === 184);
  client.socket.resetAndDestroy();
  await client.closed;
  // The socket is not read while requests are held: the loss shows when an answer is written.
  gate.waiting[0]?.end();
  await assertEmpty(harness);
  assert.ok(harness.ran <= 17, `${harness.ran} ran`);
  assert.ok(gate.gone.length >= 15, `${gate.gone.length} were told`);
  gate.answerAll();
  assert.equal(harness.server.counts.inFlight, 0);
});

test('a caller that leaves while it waits is seen at once', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener });
  const client = new RawClient(harness.server.port);
  client.send(manyRequests(3));
  await until(() => gate.waiting.length === 3);
  await client.close();
  await until(() => gate.gone.length === 3);
  await assertEmpty(harness);
});

test('requests beyond the bound of all connections are refused as saturated', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener, limits: { maxHeld: 10, pipelined: 2 } });
  const client = new RawClient(harness.server.port);
  client.send(manyRequests(20));
  await until(() => harness.server.counts.held === 10);
  while (client.answers.length < 13) {
    gate.answerAll();
    await new Promise(setImmediate);
  }
  await client.closed;
  const last = client.answers[12];
  assert.equal(last?.status, 503);
  assert.equal(last?.headers.get('retry-after'), '1');
  assert.equal(problemSchema.parse(JSON.parse(last?.body ?? '')).code, 'saturated');
  assert.equal(harness.ran, 12);
  await assertEmpty(harness);
});

const slow = { headersTimeoutMs: 200, requestTimeoutMs: 400, connectionsCheckingIntervalMs: 50 };

for (const [name, bytes] of [
  ['head', 'GET / HTTP/1.1\r\nHos'],
  ['body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel'],
  ['body in chunks', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel'],
  ['second request', `${GOOD}GET / HTTP/1.1\r\n`],
] as const) {
  test(`an unfinished ${name} is answered 408`, async (t) => {
    const harness = await startServer(t, { limits: slow });
    const client = new RawClient(harness.server.port);
    client.send(bytes);
    await client.closed;
    assert.equal(client.ended, 'FIN');
    const answer = client.answers.at(-1);
    assert.equal(answer?.status, 408);
    const problem = problemSchema.parse(JSON.parse(answer?.body ?? ''));
    assert.equal(problem.code, 'request_incomplete');
    assert.equal(problem.retryable, true);
    assert.equal(client.answers.length, name === 'second request' ? 2 : 1);
    await assertEmpty(harness);
  });
}

test('a body that drips in is not waited for longer', async (t) => {
  const harness = await startServer(t, { limits: slow });
  const client = new RawClient(harness.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n');
  const drip = setInterval(() => client.send('x'), 20);
  await client.closed;
  clearInterval(drip);
  assert.equal(client.answers[0]?.status, 408);
  await assertEmpty(harness);
});

test('a request whose body breaks is answered once, and its listener sees a caller that left', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener });
  const client = new RawClient(harness.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await until(() => gate.waiting.length === 1);
  client.send('zz\r\n');
  await until(() => gate.gone.length > 0);
  assert.equal(harness.server.counts.inFlight, 0);
  gate.answerAll('too late');
  await client.closed;
  assert.equal(gate.gone.length, 1);
  assert.deepEqual(
    client.answers.map((answer) => answer.status),
    [400],
  );
  await assertEmpty(harness);
});

test('a request that was answered before its body broke is not answered again', async (t) => {
  const harness = await startServer(t, {
    listener: (_incoming, outgoing) => void outgoing.writeHead(503, { 'Content-Length': 2 }).end('no'),
  });
  const client = new RawClient(harness.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  await client.answersCome(1);
  client.send('zz\r\n');
  await client.closed;
  assert.deepEqual(
    client.answers.map((answer) => answer.status),
    [503],
  );
  await assertEmpty(harness);
});

test('a request that was answered in advance, in its turn, is not answered again when its body breaks', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener });
  const client = new RawClient(harness.server.port);
  client.send(`${GOOD}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  await until(() => gate.waiting.length === 2);
  gate.waiting[1]?.end('early');
  const before = client.socket.bytesWritten;
  client.send('zz\r\n');
  await until(() => client.socket.bytesWritten > before);
  await new Promise((resolve) => setTimeout(resolve, 20));
  gate.waiting[0]?.end('first');
  await client.closed;
  assert.deepEqual(
    client.answers.map((answer) => answer.body),
    ['first', 'early'],
  );
  await assertEmpty(harness);
});

test('a request whose body breaks is refused under the id of its caller', async (t) => {
  const { server } = await startServer(t);
  const client = new RawClient(server.port);
  client.send(
    'POST / HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  );
  await client.closed;
  assert.equal(client.answers.length, 1);
  assert.equal(client.answers[0]?.headers.get('x-request-id'), 'mine-1');
});

test('a body that breaks behind requests that run is refused after their answers', async (t) => {
  const gate = new Gate();
  const harness = await startServer(t, { listener: gate.listener, limits: { pipelined: 2 } });
  const broken = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n';
  for (const ahead of [1, 2, 5]) {
    harness.ran = 0;
    const client = new RawClient(harness.server.port);
    client.send(manyRequests(ahead) + broken);
    let answered = 0;
    while (answered < ahead) {
      await until(() => gate.waiting.length > 0);
      gate.waiting.shift()?.end();
      answered += 1;
    }
    await client.closed;
    const statuses = client.answers.map((answer) => answer.status);
    assert.deepEqual(statuses, [...Array<number>(ahead).fill(200), 400]);
    gate.waiting.length = 0;
  }
  await assertEmpty(harness);
});

test('a caller sees its refusal while it is still sending', async (t) => {
  const harness = await startServer(t, {
    listener(_incoming, outgoing) {
      outgoing.writeHead(413, { Connection: 'close' }).end('too large');
    },
  });
  const client = new RawClient(harness.server.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n');
  client.send('x'.repeat(10_000_000));
  await client.closed;
  assert.equal(client.ended, 'FIN');
  assert.equal(client.answers[0]?.status, 413);
  await assertEmpty(harness);
});

test('a caller that goes on sending after its last answer is cut off', async (t) => {
  const harness = await startServer(t, {
    limits: { lingerMs: 300, lingerBytes: 1_000_000 },
    listener: (_incoming, outgoing) => void outgoing.writeHead(413, { Connection: 'close' }).end(),
  });
  const client = new RawClient(harness.server.port);
  client.socket.allowHalfOpen = true;
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000000\r\n\r\n');
  const feed = setInterval(() => client.send('x'.repeat(10_000)), 10);
  await client.closed;
  clearInterval(feed);
  assert.equal(client.answers[0]?.status, 413);
  await assertEmpty(harness);
});

test('a caller that does not read its answer is cut off, and nobody else', async (t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x');
  const harness = await startServer(t, {
    limits: { answerTimeoutMs: 500, connectionsCheckingIntervalMs: 50 },
    listener: (incoming, outgoing) => void outgoing.end(incoming.url === '/big' ? body : 'small'),
  });
  const deaf = new RawClient(harness.server.port);
  deaf.socket.pause();
  deaf.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(4));
  const other = new RawClient(harness.server.port);
  while (harness.server.counts.slowReaders === 0) {
    other.send(GOOD);
    await other.answersCome(other.answers.length + 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await until(() => harness.server.connections === 1);
  assert.equal(harness.server.counts.inFlight, 0);
  await deaf.close();
  other.send(GOOD);
  await other.answersCome(other.answers.length + 1);
  await other.close();
  await assertEmpty(harness);
});

for (const [name, bytes] of [
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(100_000)],
  ['requests', GOOD.repeat(100_000)],
] as const) {
  test(`a caller that sends ${name} without end and reads nothing is cut off`, async (t) => {
    const harness = await startServer(t, {
      limits: { answerTimeoutMs: 300, connectionsCheckingIntervalMs: 50 },
    });
    const deaf = new RawClient(harness.server.port);
    deaf.socket.pause();
    deaf.send(bytes);
    await until(() => harness.server.counts.slowReaders === 1);
    await assertEmpty(harness);
    await deaf.close();
  });
}

for (const [how, fail] of [
  ['throws', (error: Error) => assert.fail(error)],
  ['rejects', (error: Error) => Promise.reject(error)],
] as const) {
  test(`a listener that ${how} costs its request 500 and nothing else`, async (t) => {
    const harness = await startServer(t, {
      listener: (incoming, outgoing) =>
        incoming.url === '/fail' ? fail(new Error('secret')) : echo(incoming, outgoing),
    });
    const client = new RawClient(harness.server.port);
    client.send(`${GOOD}GET /fail HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n${GOOD}`);
    const answers = await client.answersCome(3);
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [200, 500, 200],
    );
    assert.equal(answers[1]?.headers.get('x-request-id'), 'mine-1');
    assert.doesNotMatch(client.received, /secret/);
    await client.close();
    await assertEmpty(harness);
  });
}

test('a connection that was reset in the midst of anything leaves nothing behind', async (t) => {
  const harness = await startServer(t, {
    listener(incoming: IncomingMessage, outgoing: ServerResponse) {
      incoming.on('error', () => {});
      incoming.resume();
      setTimeout(() => outgoing.end('x'.repeat(1000)), 2);
    },
  });
  const parts = [
    'GE',
    GOOD,
    manyRequests(50),
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nabc',
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel',
    'GARBAGE\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    `${manyRequests(20)}GARBAGE`,
  ];
  for (let turn = 0; turn < 10; turn += 1) {
    const clients = parts.map((bytes) => {
      const client = new RawClient(harness.server.port);
      client.send(bytes);
      return client;
    });
    await new Promise((resolve) => setTimeout(resolve, turn));
    for (const { socket } of clients) {
      if (turn % 2 === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
    await Promise.all(clients.map((client) => client.closed));
  }
  await assertEmpty(harness);
});
