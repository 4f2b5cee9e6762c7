import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedLoop } from '../../../experiments/harness/http-load/closed-loop.ts';
import { requestsOf } from '../../../experiments/harness/http-load/plan.ts';
import { serve } from '../../load/harness.ts';
import { until } from '../../support/until.ts';

const LIMIT_MS = 10_000;

test('a body has exactly the bytes asked for, and is JSON', () => {
  for (const bodyBytes of [16, 256, 16_384]) {
    const [request] = requestsOf({ url: 'http://127.0.0.1:1/functions/a', bodyBytes });
    const body = request.toString().split('\r\n\r\n')[1] ?? '';
    assert.equal(body.length, bodyBytes);
    assert.equal(typeof JSON.parse(body).text, 'string');
  }
});

test('calls go to as many paths as are asked for', () => {
  const requests = requestsOf({ url: 'http://127.0.0.1:1/functions/a', paths: 3, bodyBytes: 16 });
  const targets = requests.map((request) => request.toString().split(' ')[1]);
  assert.deepEqual(targets, ['/functions/a0', '/functions/a1', '/functions/a2']);
});

test('so many calls are in flight, and only what is answered between mark and measure counts', async (t) => {
  let inFlight = 0;
  let greatest = 0;
  let answered = 0;
  const url = await serve(t, (request, response) => {
    greatest = Math.max(greatest, ++inFlight);
    request.resume().on('end', () => {
      inFlight--;
      answered++;
      response.writeHead(answered % 3 === 0 ? 503 : 200, { 'Content-Length': '2' }).end('{}');
    });
  });
  const loop = new ClosedLoop({ url: `${url}/functions/a`, connections: 4, bodyBytes: 300, expected: '{}' });
  await until(() => answered > 10 || undefined, LIMIT_MS, 'calls before the mark');
  loop.mark();
  const markedAt = answered;
  await until(() => answered > markedAt + 30 || undefined, LIMIT_MS, 'calls after the mark');
  loop.measure();
  const measuredAt = answered;
  await until(() => answered > measuredAt + 10 || undefined, LIMIT_MS, 'calls after the end');
  const figures = await loop.stop();
  const counted = figures.calls + (figures.errors.http_503 ?? 0);
  // Answers that are on their way at the two moments are the difference.
  assert.ok(Math.abs(counted - (measuredAt - markedAt)) <= 8, `${counted} of ${measuredAt - markedAt}`);
  assert.ok((figures.errors.http_503 ?? 0) >= counted / 3 - 4);
  assert.ok(greatest <= 4 && (figures.p50Ms ?? 0) > 0 && (figures.p99Ms ?? 0) >= (figures.p50Ms ?? 0));
});

test('another answer than the one expected, and a connection that breaks, are errors', async (t) => {
  let answered = 0;
  const url = await serve(t, (request, response) => {
    request.resume().on('end', () => {
      if (answered++ % 2 === 0) response.writeHead(200, { 'Content-Length': '2' }).end('[]');
      else request.socket.destroy();
    });
  });
  const loop = new ClosedLoop({ url: `${url}/functions/a`, connections: 1, bodyBytes: 16, expected: '{}' });
  await until(() => answered > 4 || undefined, LIMIT_MS, 'answers');
  loop.measure();
  const { calls, errors } = await loop.stop();
  assert.equal(calls, 0);
  assert.deepEqual(Object.keys(errors).toSorted(), ['closed', 'other_body']);
});
