import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, Registry } from 'prom-client';
import { SECONDS } from '../../gateway/call-numbers.ts';
import type { CallResult } from '../../gateway/dispatch/contract.ts';
import { noResponders, saturated } from '../../gateway/failures.ts';
import { Metrics } from '../../gateway/metrics.ts';
import { PlainHistogram, Series } from '../../gateway/plain-histogram.ts';
import { CallError } from '../../protocol/call-error.ts';
import { FN, type TestGateway, withGateway } from './dispatch/harness.ts';

const ANSWER: CallResult = {
  status: 201,
  contentType: 'text/plain',
  headers: {},
  body: new Uint8Array(0),
  worker: 'w1',
  queueMs: 3,
  workMs: 20,
};

function metricsOf({ dispatcher, bus, clock }: TestGateway): Metrics {
  return new Metrics({ dispatch: dispatcher, bus, clock });
}

/** Lines of samples whose name begins so, without what is 0. */
async function samples(metrics: Metrics, start: string): Promise<string[]> {
  const lines = (await metrics.text()).split('\n');
  return lines.filter((line) => line.startsWith(`now_or_never_${start}`) && !line.endsWith(' 0'));
}

test('calls are counted by function, code and started, and timed in seconds', () =>
  withGateway(async (gateway) => {
    await gateway.worker('w1');
    const metrics = metricsOf(gateway);
    metrics.ended(FN, ANSWER, 25);
    metrics.ended(FN, ANSWER, 250);
    metrics.ended(FN, saturated(gateway.dispatcher.workers.endpoints(FN, 'workers'), 0, 1000), 0.5);
    assert.deepEqual(await samples(metrics, 'calls_total'), [
      `now_or_never_calls_total{function="${FN}",code="ok",started="yes"} 2`,
      `now_or_never_calls_total{function="${FN}",code="saturated",started="no"} 1`,
    ]);
    const duration = await samples(metrics, 'call_duration_seconds');
    const bucket = (le: string) =>
      `call_duration_seconds_bucket{le="${le}",function="${FN}",result="answered"}`;
    assert.ok(duration.includes(`now_or_never_${bucket('0.025')} 1`), duration.join('\n'));
    assert.ok(duration.includes(`now_or_never_${bucket('0.5')} 2`));
    assert.ok(
      duration.includes(`now_or_never_call_duration_seconds_sum{function="${FN}",result="answered"} 0.275`),
    );
    assert.ok((await samples(metrics, 'call_queue_seconds_count')).join().endsWith(' 2'));
  }));

test('a histogram of plain numbers reads as one of prom-client', async () => {
  const values = fc.array(fc.double({ min: 0, max: 40, noNaN: true }), { maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(values, async (observed) => {
      const options = { name: 'h', help: 'h', labelNames: ['function'], buckets: SECONDS };
      const [plainRegistry, registry] = [new Registry(), new Registry()];
      const series = new Series(SECONDS);
      const labels = { function: 'f' };
      const all = () => (observed.length === 0 ? [] : [[labels, series] as const]);
      new PlainHistogram({ ...options, registers: [plainRegistry] }, all);
      const theirs = new Histogram({ ...options, registers: [registry] });
      for (const value of observed) {
        series.observe(value);
        theirs.observe(labels, value);
      }
      assert.equal(await plainRegistry.metrics(), await registry.metrics());
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('a name that nobody serves is no label, however many callers make up', () =>
  withGateway(async (gateway) => {
    const metrics = metricsOf(gateway);
    for (let n = 0; n < 50; n++) metrics.ended(`made-up-${n}`, noResponders(`made-up-${n}`, 10), 1);
    metrics.ended(undefined, noResponders('', 10), 1);
    metrics.ended('left', new CallError('caller_gone', 'the caller left', { started: 'unknown' }), 1);
    assert.deepEqual(await samples(metrics, 'calls_total'), [
      'now_or_never_calls_total{function="",code="no_responders",started="no"} 51',
      'now_or_never_calls_total{function="",code="caller_gone",started="unknown"} 1',
    ]);
    // A plain responder tells no state, but it has answered.
    metrics.ended('plain', ANSWER, 1);
    metrics.ended('plain', noResponders('plain', 10), 1);
    const calls = await samples(metrics, 'calls_total');
    assert.ok(
      calls.includes('now_or_never_calls_total{function="plain",code="no_responders",started="no"} 1'),
    );
  }));

test('parked calls and what workers tell are gauges; a silent worker counts as none', () =>
  withGateway(async (gateway) => {
    const metrics = metricsOf(gateway);
    const worker = await gateway.worker('w1', { slots: 3 });
    await gateway.worker('w2', { slots: 2, group: 'b' });
    const group = (name: string) => `{function="${FN}",group="${name}"}`;
    assert.deepEqual(await samples(metrics, 'worker'), [
      `now_or_never_workers${group('workers')} 1`,
      `now_or_never_workers${group('b')} 1`,
      `now_or_never_worker_slots${group('workers')} 3`,
      `now_or_never_worker_slots${group('b')} 2`,
      `now_or_never_worker_slots_free${group('workers')} 3`,
      `now_or_never_worker_slots_free${group('b')} 2`,
    ]);
    worker.freeze();
    await gateway.clock.advance(1600);
    assert.deepEqual(await samples(metrics, 'workers'), [`now_or_never_workers${group('b')} 1`]);
    assert.match(await metrics.text(), /^now_or_never_workers\{function="resize",group="workers"\} 0$/m);
    assert.deepEqual(await samples(metrics, 'nats_connected'), ['now_or_never_nats_connected 1']);
  }));

test('calls that wait are counted as parked and pending', () =>
  withGateway(async (gateway) => {
    const metrics = metricsOf(gateway);
    const worker = await gateway.worker('w1');
    worker.sendState({ free: 0 });
    await gateway.clock.advance(1);
    gateway.submit({ budgetMs: 200 });
    gateway.submit({ budgetMs: 200 });
    assert.deepEqual(await samples(metrics, 'parked'), [
      `now_or_never_parked_calls{function="${FN}",group="workers"} 2`,
    ]);
    assert.deepEqual(await samples(metrics, 'pending'), ['now_or_never_pending_calls 2']);
    await gateway.clock.advance(300);
    assert.deepEqual(await samples(metrics, 'parked'), []);
    assert.deepEqual(await samples(metrics, 'pending'), []);
  }));

test('a reply that comes after another one, or after the deadline, is counted as late', () =>
  withGateway(async (gateway) => {
    const metrics = metricsOf(gateway);
    const [a, b] = [await gateway.worker('w1'), await gateway.worker('w2', { group: 'b' })];
    const first = gateway.submit();
    const second = gateway.submit({ budgetMs: 100 });
    await gateway.clock.advance(1);
    for (const message of a.calls.slice(0, 1)) a.answer(message);
    await gateway.clock.advance(1);
    assert.equal(first.outcomes.length, 1);
    assert.deepEqual(await samples(metrics, 'late_replies'), []);
    for (const message of b.calls.slice(0, 1)) b.answer(message);
    await gateway.clock.advance(150);
    assert.deepEqual(await samples(metrics, 'late_replies'), ['now_or_never_late_replies_total 1']);
    assert.equal(second.error().code, 'deadline_exceeded');
    for (const message of a.calls.slice(1)) a.answer(message);
    for (const message of b.calls.slice(1)) b.answer(message);
    await gateway.clock.advance(1);
    const late = 1 + a.calls.length - 1 + b.calls.length - 1;
    assert.deepEqual(await samples(metrics, 'late_replies'), [`now_or_never_late_replies_total ${late}`]);
  }));
