import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readThroughputOptions } from '../../../../experiments/bench/throughput/options.ts';

test('without arguments every system is measured in nine cells', () => {
  const options = readThroughputOptions([]);
  assert.deepEqual(options?.connections, [1, 64, 256]);
  assert.deepEqual(options?.bodies, [256, 16_384, 262_144]);
  assert.equal(Object.keys(options?.systems ?? {}).length, 10);
  assert.equal(options?.extras, true);
});

test('systems, builds and numbers are chosen, and quick is a part of all', () => {
  const options = readThroughputOptions(['--quick', '--builds', 'before=/tmp/dist', '--seconds', '0.5']);
  assert.deepEqual(Object.keys(options?.systems ?? {}), ['floor', 'hono-floor', 'ours', 'before']);
  assert.deepEqual([options?.seconds, options?.rounds, options?.extras], [0.5, 1, false]);
  assert.equal(readThroughputOptions(['--help']), undefined);
});

test('what makes no sense is said in one line', () => {
  const wrong =
    (...args: string[]) =>
    () =>
      readThroughputOptions(args);
  assert.throws(wrong('--systems', 'floor,nobody'), /no system is called nobody; there are floor/);
  assert.throws(wrong('--connections', '1,many'), /--connections must be positive numbers, got many/);
  assert.throws(wrong('--builds', 'ours=dist'), /--builds must be names that no system has/);
});
