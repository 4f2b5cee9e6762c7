import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemSchema } from '../../../protocol/problem.ts';
import { RawClient, startServer, until } from './harness.ts';

const GOOD = 'GET /good HTTP/1.1\r\nHost: a\r\n\r\n';
const get = (headers: string, target = '/'): string => `GET ${target} HTTP/1.1\r\n${headers}\r\n`;
const post = (headers: string, body = ''): string => `POST / HTTP/1.1\r\nHost: a\r\n${headers}\r\n${body}`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

const refused: Record<string, [bytes: string | Buffer, status: number]> = {
  'without Host': [get(''), 400],
  'with two Hosts': [get('Host: a\r\nHost: a\r\n'), 400],
  'with two Hosts of other case': [get('Host: a\r\nX: y\r\nhOST: b\r\n'), 400],
  'with an empty Host': [get('Host:\r\n'), 400],
  'with a Host with a space': [get('Host: a b\r\n'), 400],
  'with a Host with a comma': [get('Host: a,b\r\n'), 400],
  'with a Host with a path': [get('Host: a/b\r\n'), 400],
  'with a Host with user information': [get('Host: u@a\r\n'), 400],
  'with a Host with a port that is none': [get('Host: a:b\r\n'), 400],
  'with Content-Length and Transfer-Encoding': [
    post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  'with Transfer-Encoding and Content-Length': [
    post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
    400,
  ],
  'with two Content-Lengths': [post('Content-Length: 5\r\nContent-Length: 5\r\n', 'hello'), 400],
  'with a list of Content-Lengths': [post('Content-Length: 5, 5\r\n', 'hello'), 400],
  'with a negative Content-Length': [post('Content-Length: -5\r\n', 'hello'), 400],
  'with a signed Content-Length': [post('Content-Length: +5\r\n', 'hello'), 400],
  'with a hexadecimal Content-Length': [post('Content-Length: 0x5\r\n', 'hello'), 400],
  'with an empty Content-Length': [post('Content-Length: \r\n', 'hello'), 400],
  'with a Content-Length of 2^64': [post('Content-Length: 18446744073709551616\r\n', 'hello'), 400],
  'with a Content-Length of 16 digits': [post('Content-Length: 9999999999999999\r\n', 'hello'), 400],
  'with gzip before chunked': [post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 400],
  'with chunked twice': [post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), 400],
  'with chunked and identity': [post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400],
  'with identity': [post('Transfer-Encoding: identity\r\n'), 400],
  'with xchunked': [post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400],
  'with Chunked in another case': [post('Transfer-Encoding: Chunked\r\n', '0\r\n\r\n'), 400],
  'with chunked after a vertical tab': [post('Transfer-Encoding:\x0bchunked\r\n', '0\r\n\r\n'), 400],
  'with an empty Transfer-Encoding': [post('Transfer-Encoding:\r\n', '0\r\n\r\n'), 400],
  'with two Transfer-Encodings': [
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  'with Transfer-Encoding in HTTP/1.0': [
    'POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    400,
  ],
  'with a chunk size that is none': [chunked('zz\r\nhello\r\n0\r\n\r\n'), 400],
  'with a negative chunk size': [chunked('-5\r\nhello\r\n0\r\n\r\n'), 400],
  'with a chunk size with 0x': [chunked('0x5\r\nhello\r\n0\r\n\r\n'), 400],
  'with a chunk size with a space': [chunked('5 \r\nhello\r\n0\r\n\r\n'), 400],
  'with a chunk size beyond 64 bits': [chunked('fffffffffffffffff\r\nhello\r\n0\r\n\r\n'), 400],
  'with a chunk longer than its size': [chunked('5\r\nhello world\r\n0\r\n\r\n'), 400],
  'with chunks that end in a bare LF': [chunked('5\nhello\n0\n\n'), 400],
  'with 20 KB of chunk extensions': [chunked(`5;${'a'.repeat(20_000)}\r\nhello\r\n0\r\n\r\n`), 400],
  'with 40 KB of trailers': [chunked(`5\r\nhello\r\n0\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`), 431],
  'with bare LFs': ['GET / HTTP/1.1\nHost: a\n\n', 400],
  'with a bare LF after the first line': ['GET / HTTP/1.1\nHost: a\r\n\r\n', 400],
  'with a bare LF after a header': [get('Host: a\nX: y\r\n'), 400],
  'with a bare LF at the end of the head': ['GET / HTTP/1.1\r\nHost: a\r\n\n', 400],
  'with a bare CR': [get('Host: a\rX: y\r\n'), 400],
  'with a folded header': [get('Host: a\r\nX: y\r\n z\r\n'), 400],
  'with a folded Host': [get('Host: a\r\n\tb\r\n'), 400],
  'with a space before the colon': [get('Host: a\r\nX : y\r\n'), 400],
  'with a space before the first header': [get(' Host: a\r\n'), 400],
  'with a header without a colon': [get('Host: a\r\nX\r\n'), 400],
  'with a header without a name': [get('Host: a\r\n: y\r\n'), 400],
  'with a NUL in a value': [get('Host: a\r\nX: y\0z\r\n'), 400],
  'with a control character in a value': [get('Host: a\r\nX: y\x01z\r\n'), 400],
  'with DEL in a value': [get('Host: a\r\nX: y\x7fz\r\n'), 400],
  'with a control character in a name': [get('Host: a\r\nX\x01: y\r\n'), 400],
  'with a NUL in the target': [get('Host: a\r\n', '/\0'), 400],
  'with a tab in the target': [get('Host: a\r\n', '/a\tb'), 400],
  'with a space in the target': [get('Host: a\r\n', '/a b'), 400],
  'with a target beyond ASCII': [get('Host: a\r\n', '/\xe4'), 400],
  'with an authority as its target': [get('Host: a\r\n', 'a:80'), 400],
  'with * as the target of GET': [get('Host: a\r\n', '*'), 400],
  'of HTTP/0.9 without a version': ['GET /\r\n\r\n', 505],
  'of HTTP/0.9': ['GET / HTTP/0.9\r\nHost: a\r\n\r\n', 505],
  'of HTTP/1.2': ['GET / HTTP/1.2\r\nHost: a\r\n\r\n', 505],
  'of HTTP/2.0': ['GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  'of HTTP/9.9': ['GET / HTTP/9.9\r\nHost: a\r\n\r\n', 505],
  'of http/1.1 in small letters': ['GET / http/1.1\r\nHost: a\r\n\r\n', 400],
  'that is the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 400],
  'that is a TLS hello': [Buffer.from('16030100c8010000c40303', 'hex'), 400],
  'that is noise': [Buffer.from([1, 2, 3, 255, 0, 9]), 400],
  'of an unknown method': ['FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  'of a method in small letters': ['get / HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  'of CONNECT': ['CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405],
  'with another expectation': [post('Expect: tea\r\nContent-Length: 5\r\n', 'hello'), 417],
  'that announces too much and waits': [post('Expect: 100-continue\r\nContent-Length: 101\r\n'), 413],
  'with 101 headers': [get(`Host: a\r\n${'X: y\r\n'.repeat(100)}`), 431],
  'with 3,000 headers': [get(`Host: a\r\n${'X:y\r\n'.repeat(2999)}`), 431],
  'with a header of 20 KB': [get(`Host: a\r\nX: ${'y'.repeat(20_000)}\r\n`), 431],
  'with a header of 2 MB': [get(`Host: a\r\nX: ${'y'.repeat(2_000_000)}\r\n`), 431],
  'with a target of 9 KB': [get('Host: a\r\n', `/${'a'.repeat(9000)}`), 414],
  'with a target of 100 KB': [get('Host: a\r\n', `/${'a'.repeat(100_000)}`), 414],
};

const answered: Record<string, [bytes: string | Buffer, status: number, body: string]> = {
  'with a Host with a port': [get('Host: example.org:8080\r\n'), 200, ''],
  'with a Host that is an IPv6 address': [get('Host: [::1]:8080\r\n'), 200, ''],
  'with a target in absolute form': [get('Host: a\r\n', 'http://a/x'), 200, ''],
  'with a target of 5,000 characters': [get('Host: a\r\n', `/${'a'.repeat(5000)}`), 200, ''],
  'with 100 headers': [get(`Host: a\r\n${'X: y\r\n'.repeat(99)}`), 200, ''],
  'with a Content-Length': [post('Content-Length: 5\r\n', 'hello'), 200, 'hello'],
  'in chunks, with an extension and trailers': [chunked('5;a=b\r\nhello\r\n0\r\nX: y\r\n\r\n'), 200, 'hello'],
  'after empty lines': [`\r\n\r\n${get('Host: a\r\n')}`, 200, ''],
  'with an upgrade to WebSocket': [get('Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'), 200, ''],
  'with an upgrade to HTTP/2 and a body': [
    post('Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n', 'hello'),
    200,
    'hello',
  ],
  'of OPTIONS *': ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 204, ''],
};

test('a request that is not well framed is refused with a problem, and its connection ends', async (t) => {
  const harness = await startServer(t, { limits: { maxBodyBytes: () => 100 } });
  for (const [name, [bytes, status]] of Object.entries(refused)) {
    await t.test(`a request ${name} is answered ${status}`, async () => {
      const client = new RawClient(harness.server.port);
      client.send(bytes);
      await client.closed;
      assert.equal(client.ended, 'FIN');
      assert.equal(client.answers.length, 1, client.received);
      const [answer] = client.answers;
      assert.equal(answer?.status, status);
      assert.equal(answer?.headers.get('content-type'), 'application/problem+json');
      assert.equal(answer?.headers.get('connection'), 'close');
      const problem = problemSchema.parse(JSON.parse(answer?.body ?? ''));
      assert.equal(problem.status, status);
      assert.equal(problem.started, 'no');
      assert.equal(problem.requestId, answer?.headers.get('x-request-id'));
      if (status === 405) assert.match(answer?.headers.get('allow') ?? '', /POST/);
      await assertServes(harness.server.port);
    });
  }
  await until(() => harness.server.connections === 0);
  assert.equal(harness.server.counts.inFlight, 0);
  const total = [...harness.server.counts.refusals.values()].reduce((sum, count) => sum + count, 0);
  assert.equal(total, Object.keys(refused).length);
});

test('a request that is unusual but well framed is answered, and its connection stays', async (t) => {
  const harness = await startServer(t);
  for (const [name, [bytes, status, body]] of Object.entries(answered)) {
    await t.test(`a request ${name} is answered ${status}`, async () => {
      const client = new RawClient(harness.server.port);
      client.send(bytes);
      const [answer] = await client.answersCome(1);
      assert.equal(answer?.status, status);
      assert.equal(answer?.body, body);
      client.send(GOOD);
      await client.answersCome(2);
      await client.close();
    });
  }
  await until(() => harness.server.connections === 0);
  assert.equal(harness.server.counts.refusals.size, 0);
});

test('a request of HTTP/1.0 needs no Host', async (t) => {
  const { server } = await startServer(t);
  const client = new RawClient(server.port);
  client.send('GET / HTTP/1.0\r\n\r\n');
  await client.closed;
  assert.equal(client.answers[0]?.status, 200);
});

test('a refusal carries the request id of its caller', async (t) => {
  const { server } = await startServer(t);
  const client = new RawClient(server.port);
  client.send('GET / HTTP/1.1\r\nX-Request-Id: mine-1\r\n\r\n');
  await client.closed;
  assert.equal(client.answers[0]?.headers.get('x-request-id'), 'mine-1');
});

test('a refusal waits for the answers before it, and nothing behind it runs', async (t) => {
  const harness = await startServer(t);
  for (const bad of [
    'GARBAGE\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
  ]) {
    harness.ran = 0;
    const client = new RawClient(harness.server.port);
    client.send(GOOD + GOOD + bad + GOOD);
    await client.closed;
    assert.equal(client.ended, 'FIN');
    const statuses = client.answers.map((answer) => answer.status);
    assert.deepEqual(statuses, [200, 200, bad.startsWith('CONNECT') ? 405 : 400]);
    assert.equal(harness.ran, 2);
  }
});

test('100-continue is sent before the body is read, and to a waiting caller in its turn', async (t) => {
  const { server } = await startServer(t, { limits: { maxBodyBytes: () => 100, pipelined: 1 } });
  const client = new RawClient(server.port);
  client.send(`${GOOD}${post('Expect: 100-continue\r\nContent-Length: 100\r\n')}`);
  await until(() => client.received.includes('100 Continue'));
  client.send('x'.repeat(100));
  const answers = await client.answersCome(3);
  assert.deepEqual(
    answers.map((answer) => answer.status),
    [200, 100, 200],
  );
  await client.close();
});

async function assertServes(port: number): Promise<void> {
  const client = new RawClient(port);
  client.send(GOOD);
  const [answer] = await client.answersCome(1);
  assert.equal(answer?.status, 200);
  await client.close();
}
