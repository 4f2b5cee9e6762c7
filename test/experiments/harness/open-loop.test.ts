import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playOpenLoop } from '../../../experiments/harness/http-load/open-loop.ts';
import type { OpenPlan } from '../../../experiments/harness/http-load/plan.ts';
import { sum } from '../../../experiments/harness/statistics.ts';
import { serve } from '../../load/harness.ts';

const PLAN: Omit<OpenPlan, 'url' | 'phases'> = { bodyBytes: 64, deadlineMs: 800, seed: 1 };

test('calls come whatever becomes of those before, and each phase is counted by itself', async (t) => {
  let seen = 0;
  const url = await serve(t, (request, response) => {
    request.resume().on('end', () => {
      const nth = seen++;
      // Every fifth is refused, every fifth has no answer.
      if (nth % 5 === 0) response.writeHead(503, { 'Content-Length': '0' }).end();
      else if (nth % 5 !== 1) response.writeHead(200, { 'Content-Length': '2' }).end('{}');
    });
  });
  const phases = [
    { perSecond: 200, seconds: 0.5 },
    { perSecond: 50, seconds: 0.5 },
  ];
  const [first, second] = await playOpenLoop({ ...PLAN, url: `${url}/functions/a`, phases });
  const all = (codes: Readonly<Record<string, number>> = {}) => sum(Object.values(codes));
  assert.equal(all(first?.codes) + all(second?.codes), seen);
  assert.ok(all(first?.codes) > 60 && all(first?.codes) < 140, `${all(first?.codes)} of about 100`);
  assert.ok(all(second?.codes) > 8 && all(second?.codes) < 45, `${all(second?.codes)} of about 25`);
  assert.deepEqual(Object.keys(first?.codes ?? {}).toSorted(), ['gave_up', 'http_503', 'ok']);
  assert.equal(first?.bins.length, 2);
  assert.equal(sum((first?.bins ?? []).map(({ good }) => good)), first?.codes.ok);
  assert.equal(sum((first?.bins ?? []).map(({ sent }) => sent)), all(first?.codes));
  assert.equal(sum((first?.good ?? []).map(([, count]) => count)), first?.codes.ok);
  assert.equal(sum((first?.refused ?? []).map(([, count]) => count)), first?.codes.http_503);
});

test('a connection that breaks is told by its reason', async (t) => {
  const url = await serve(t, (request) => {
    request.socket.destroy();
  });
  const phases = [{ perSecond: 100, seconds: 0.2 }];
  const [only] = await playOpenLoop({ ...PLAN, url: `${url}/functions/a`, phases });
  const codes = Object.keys(only?.codes ?? {});
  assert.ok(
    codes.length > 0 && codes.every((code) => code === 'closed' || code === 'ECONNRESET'),
    `${codes}`,
  );
});
