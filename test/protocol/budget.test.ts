import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Budget, readBudget } from '../../protocol/budget.ts';

const limits = { defaultMs: 5000, maxMs: 30_000 };

const byDefault: Budget = { budgetMs: 5000, clamped: false };
const cases: [requestTimeout: string | undefined, prefer: string | undefined, Budget][] = [
  [undefined, undefined, byDefault],
  ['1.5', undefined, { budgetMs: 1500, clamped: false }],
  [' 2 ', undefined, { budgetMs: 2000, clamped: false }],
  ['0.0001', undefined, { budgetMs: 1, clamped: false }],
  ['31', undefined, { budgetMs: 30_000, clamped: true }],
  ['2147483.648', undefined, { budgetMs: 30_000, clamped: true }],
  ['1.5', 'wait=2', { budgetMs: 1500, clamped: false }],
  [undefined, 'wait=2', { budgetMs: 2000, clamped: false, preferenceApplied: 'wait=2' }],
  [undefined, 'respond-async, wait=2', { budgetMs: 2000, clamped: false, preferenceApplied: 'wait=2' }],
  [undefined, 'WAIT="3"; foo=bar', { budgetMs: 3000, clamped: false, preferenceApplied: 'wait=3' }],
  [undefined, 'wait=1, wait=9', { budgetMs: 1000, clamped: false, preferenceApplied: 'wait=1' }],
  [undefined, 'wait=100', { budgetMs: 30_000, clamped: true, preferenceApplied: 'wait=30' }],
  [undefined, 'respond-async', byDefault],
  ['nonsense', 'wait=2', { budgetMs: 2000, clamped: false, preferenceApplied: 'wait=2' }],
];
for (const garbage of [
  '',
  '0',
  '-1',
  'NaN',
  '0x10',
  '1e3',
  'Infinity',
  '1,5',
  '1.2.3',
  '9'.repeat(40),
  '1s',
]) {
  cases.push([garbage, undefined, byDefault]);
  cases.push([
    undefined,
    `wait=${garbage}`,
    garbage === '1,5' ? { budgetMs: 1000, clamped: false, preferenceApplied: 'wait=1' } : byDefault,
  ]);
}
cases.push([undefined, 'wait=1.5', byDefault]);

for (const [requestTimeout, prefer, expected] of cases) {
  test(`Request-Timeout ${requestTimeout} with Prefer ${prefer} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(readBudget(requestTimeout, prefer, limits), expected);
  });
}
