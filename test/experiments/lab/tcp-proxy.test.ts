import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, connect as dial, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { TcpProxy } from '../../../experiments/lab/losses/tcp-proxy.ts';
import { until } from '../../support/until.ts';

/** A listener in the place of the broker, a proxy to it, and one connection through the proxy. */
async function connectThrough(t: TestContext) {
  const sockets: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const proxy = await TcpProxy.open(address.port);
  const process = dial({ host: '127.0.0.1', port: proxy.port, allowHalfOpen: true });
  process.on('error', () => {});
  t.after(async () => {
    process.destroy();
    for (const socket of sockets) socket.destroy();
    await proxy.close();
    server.close();
    await once(server, 'close');
  });
  await once(process, 'connect');
  const broker = await until(() => sockets[0], 5000, 'a connection at the broker');
  return { proxy, process: reading(process), broker: reading(broker) };
}

function reading(socket: Socket) {
  let text = '';
  let isEnded = false;
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.once('end', () => {
    isEnded = true;
  });
  return {
    socket,
    text: () => text,
    isEnded: () => isEnded,
    has: (wanted: string) =>
      until(
        () => text === wanted || undefined,
        5000,
        () => `${wanted}, got ${text}`,
      ),
    ended: () => until(() => isEnded || undefined, 5000, 'the end of the stream'),
  };
}

test('a proxy passes bytes both ways', async (t) => {
  const { process, broker } = await connectThrough(t);
  process.socket.write('PING');
  await broker.has('PING');
  broker.socket.write('PONG');
  await process.has('PONG');
});

test('what is held in one direction stays in its order, and the other direction goes on', async (t) => {
  const { proxy, process, broker } = await connectThrough(t);
  proxy.hold('toBroker');
  const lines = Array.from({ length: 200 }, (_, n) => `${n};`);
  for (const line of lines) {
    process.socket.write(line);
    if (line.startsWith('1')) await new Promise(setImmediate);
  }
  const all = lines.join('');
  await until(() => proxy.held('toBroker') === all || undefined, 5000, 'all that was sent on the proxy');
  broker.socket.write('hello');
  await process.has('hello');
  assert.equal(broker.text(), '');
  proxy.release('toBroker');
  process.socket.write('more');
  await broker.has(`${all}more`);
  assert.equal(proxy.held('toBroker'), '');
});

test('more than the buffers of the network take arrives whole', async (t) => {
  const { process, broker } = await connectThrough(t);
  const many = 'x'.repeat(8 * 1024 * 1024);
  process.socket.write(many);
  await until(() => broker.text().length === many.length || undefined, 10_000, 'eight million bytes');
});

test('a side that has ended still gets what the other says', async (t) => {
  const { proxy, process, broker } = await connectThrough(t);
  process.socket.end('last words');
  await broker.ended();
  assert.equal(broker.text(), 'last words');
  broker.socket.end('the answer');
  await process.ended();
  assert.equal(process.text(), 'the answer');
  await until(() => proxy.connections === 0 || undefined, 5000, 'the end of the connection');
});

test('the end of a stream comes after what is held before it', async (t) => {
  const { proxy, process, broker } = await connectThrough(t);
  proxy.hold('toProcess');
  broker.socket.end('a message');
  await until(() => proxy.held('toProcess') === 'a message' || undefined, 5000, 'the message on the proxy');
  process.socket.write('still here');
  await broker.has('still here');
  assert.deepEqual([process.text(), process.isEnded()], ['', false]);
  proxy.release('toProcess');
  await process.ended();
  assert.equal(process.text(), 'a message');
});

test('when a side is lost, the other gets what it had sent, and what was held for it is dropped', async (t) => {
  const { proxy, process, broker } = await connectThrough(t);
  proxy.hold('toBroker');
  proxy.hold('toProcess');
  process.socket.write('the last');
  broker.socket.write('for nobody');
  await until(() => proxy.held('toProcess') === 'for nobody' || undefined, 5000, 'what is for the process');
  await until(() => proxy.held('toBroker') === 'the last' || undefined, 5000, 'what is from the process');
  process.socket.resetAndDestroy();
  await until(() => proxy.held('toProcess') === '' || undefined, 5000, 'the loss of the process');
  assert.equal(broker.isEnded(), false);
  proxy.release('toBroker');
  await broker.ended();
  assert.equal(broker.text(), 'the last');
  broker.socket.end();
  proxy.release('toProcess');
  await until(() => proxy.connections === 0 || undefined, 5000, 'the end of the connection');
});

test('a process that connects while nothing listens at the broker is told so', async (t) => {
  const proxy = await TcpProxy.open(1);
  t.after(() => proxy.close());
  const socket = dial({ host: '127.0.0.1', port: proxy.port });
  socket.resume();
  await once(socket, 'close');
  await until(() => proxy.connections === 0 || undefined, 5000, 'the end of the connection');
});

test('a text is seen in its direction, in two parts and while it is held; what was before does not count', async (t) => {
  const { proxy, process, broker } = await connectThrough(t);
  process.socket.write('PUB a');
  await broker.has('PUB a');
  await assert.rejects(proxy.seen('toBroker', 'PUB a', 50), /not seen on the proxy within 50 ms: PUB a/);
  await assert.rejects(async () => {
    const seen = proxy.seen('toProcess', 'PUB b', 100);
    process.socket.write('PUB b');
    await seen;
  });
  proxy.hold('toBroker');
  const seen = proxy.seen('toBroker', 'PUB c');
  process.socket.write('PU');
  await until(() => proxy.held('toBroker').endsWith('PU') || undefined, 5000, 'the first part');
  process.socket.write('B c');
  await seen;
  assert.equal(broker.text(), 'PUB aPUB b');
});
