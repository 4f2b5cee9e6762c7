import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { PlainHistogram, Series } from '../../../gateway/plain-histogram.ts';
import { MetricsSum } from '../../../gateway/processes/metrics-sum.ts';

const LIMITS = [0.1, 1, 10];

/** What a process sends of a registry. */
async function sent(registry: Registry): Promise<unknown> {
  return JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()));
}

/** A process that answers with its metrics as long as it lives. */
class StubProcess {
  readonly registry = new Registry();
  readonly calls = new Counter({ name: 'calls_total', help: 'h', registers: [this.registry] });
  readonly pending = new Gauge({ name: 'pending', help: 'h', registers: [this.registry] });
  answers = true;

  async ask(): Promise<unknown> {
    return this.answers ? sent(this.registry) : undefined;
  }
}

/** The samples of a metric, without its comments. */
async function samples(sum: MetricsSum, name: string): Promise<string[]> {
  return (await sum.text()).split('\n').filter((line) => line.startsWith(name));
}

test('histograms of plain numbers merge as one that observed everything', async () => {
  const values = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 30 });
  const byFunction = fc.record({ f: values, g: values });
  await fc.assert(
    fc.asyncProperty(fc.array(byFunction, { minLength: 1, maxLength: 3 }), async (processes) => {
      const options = { name: 'h', help: 'h', labelNames: ['function'], buckets: LIMITS };
      const whole = new Registry();
      const theirs = new Histogram({ ...options, registers: [whole] });
      const answers = await Promise.all(
        processes.map((observed) => {
          const all = Object.entries(observed).filter(([, values]) => values.length > 0);
          const series = all.map(([fn, values]) => {
            const own = new Series(LIMITS);
            for (const value of values) {
              own.observe(value);
              theirs.observe({ function: fn }, value);
            }
            return [{ function: fn }, own] as const;
          });
          const registry = new Registry();
          new PlainHistogram({ ...options, registers: [registry] }, () => series);
          return sent(registry);
        }),
      );
      const sources = answers.map((answer) => ({ ask: async () => answer }));
      const lines = (text: string) =>
        text
          .split('\n')
          .filter((line) => line.startsWith('h_'))
          .sort();
      assert.deepEqual(lines(await new MetricsSum(() => sources).text()), lines(await whole.metrics()));
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('counters and gauges are summed, or merged as they say', async () => {
  const processes = [new StubProcess(), new StubProcess()];
  for (const [index, { registry, calls, pending }] of processes.entries()) {
    calls.inc(10 + index);
    pending.set(1 + index);
    for (const aggregator of ['max', 'min'] as const) {
      new Gauge({ name: aggregator, help: 'h', aggregator, registers: [registry] }).set(index);
    }
  }
  const text = await new MetricsSum(() => processes).text();
  for (const line of ['calls_total 21', 'pending 3', 'max 1', 'min 0', 'now_or_never_gateway_processes 2']) {
    assert.ok(text.split('\n').includes(line), `${line} in\n${text}`);
  }
});

test('what only grows does not shrink when a process ends, whether it could tell or not', async () => {
  const [first, second, third] = [new StubProcess(), new StubProcess(), new StubProcess()];
  const processes = new Set([first, second, third]);
  const sum = new MetricsSum(() => processes);
  for (const { calls, pending } of processes) {
    calls.inc(10);
    pending.inc();
  }
  assert.deepEqual(await samples(sum, 'calls_total'), ['calls_total 30']);
  first.calls.inc();
  processes.delete(first);
  sum.end(first, await sent(first.registry));
  assert.deepEqual(await samples(sum, 'calls_total'), ['calls_total 31']);
  // Killed: as of the last time that it was asked.
  second.calls.inc();
  processes.delete(second);
  sum.end(second, undefined);
  assert.deepEqual(await samples(sum, 'calls_total'), ['calls_total 31']);
  assert.deepEqual(await samples(sum, 'pending'), ['pending 1']);
  assert.deepEqual(await samples(sum, 'now_or_never_gateway_processes'), [
    'now_or_never_gateway_processes 1',
  ]);
});

test('a process that does not answer is counted as when it last did; what is no number is left out', async () => {
  const process = new StubProcess();
  process.calls.inc(3);
  new Gauge({ name: 'mean', help: 'h', aggregator: 'average', registers: [process.registry] }).set(
    Number.NaN,
  );
  const sum = new MetricsSum(() => [process]);
  assert.deepEqual(await samples(sum, 'calls_total'), ['calls_total 3']);
  assert.deepEqual(await samples(sum, 'mean'), []);
  process.answers = false;
  process.calls.inc();
  assert.deepEqual(await samples(sum, 'calls_total'), ['calls_total 3']);
});
