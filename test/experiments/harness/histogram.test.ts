import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram } from '../../../experiments/harness/histogram.ts';
import { percentile } from '../../../experiments/harness/statistics.ts';

const times = fc.array(fc.double({ min: 0.001, max: 100_000, noNaN: true }), { minLength: 1 });

test('a percentile is that of the times themselves, to a percent', () => {
  fc.assert(
    fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const histogram = new Histogram();
      for (const ms of all) histogram.add(ms);
      const exact = percentile(all, share) ?? Number.NaN;
      assert.ok(Math.abs((histogram.percentile(share) ?? 0) / exact - 1) < 0.0101);
    }),
  );
});

test('what several saw adds up to what one would have seen', () => {
  fc.assert(
    fc.property(times, times, (some, others) => {
      const [one, other, both] = [new Histogram(), new Histogram(), new Histogram()];
      for (const ms of some) one.add(ms);
      for (const ms of others) other.add(ms);
      for (const ms of [...some, ...others]) both.add(ms);
      one.addAll(JSON.parse(JSON.stringify(other.buckets)));
      assert.equal(one.size, some.length + others.length);
      for (const share of [0, 0.5, 0.99, 1]) assert.equal(one.percentile(share), both.percentile(share));
    }),
  );
});

test('of nothing there is no percentile', () => {
  assert.equal(new Histogram().percentile(0.5), undefined);
});
