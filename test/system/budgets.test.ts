import assert from 'node:assert/strict';
import test from 'node:test';
import { z } from 'zod';
import { startSystem } from '../support/system.ts';

const shown = z.object({ remainingMs: z.number() });

interface BudgetCase {
  headers: Record<string, string>;
  budgetMs: number;
  applied?: string;
  /** What the answer's own Request-Timeout says. */
  clampedTo?: string;
}

const cases: readonly BudgetCase[] = [
  { headers: {}, budgetMs: 5000 },
  { headers: { 'Request-Timeout': '1.5' }, budgetMs: 1500 },
  { headers: { 'Request-Timeout': '30' }, budgetMs: 30_000 },
  { headers: { 'Request-Timeout': '60' }, budgetMs: 30_000, clampedTo: '30' },
  { headers: { 'Request-Timeout': '2147483.648' }, budgetMs: 30_000, clampedTo: '30' },
  { headers: { 'Request-Timeout': '999999999999' }, budgetMs: 30_000, clampedTo: '30' },
  { headers: { Prefer: 'wait=2' }, budgetMs: 2000, applied: 'wait=2' },
  { headers: { Prefer: 'respond-async, wait=2' }, budgetMs: 2000, applied: 'wait=2' },
  { headers: { Prefer: 'respond-async' }, budgetMs: 5000 },
  { headers: { Prefer: 'wait=99999' }, budgetMs: 30_000, applied: 'wait=30' },
  { headers: { Prefer: 'wait=2', 'Request-Timeout': '3' }, budgetMs: 3000 },
  { headers: { Prefer: 'wait=2', 'Request-Timeout': 'soon' }, budgetMs: 2000, applied: 'wait=2' },
  ...['', '-1', '0', 'NaN', 'Infinity', '0x10', '1e3', '1,5', 'soon', '٣', '.'].map((garbage) => ({
    headers: { 'Request-Timeout': Buffer.from(garbage).toString('latin1') },
    budgetMs: 5000,
  })),
  ...['wait', 'wait=', 'wait=-1', 'wait=0', 'wait=1.5', 'wait=0x2', 'wait=NaN', 'waiting=2', '=2'].map(
    (garbage) => ({ headers: { Prefer: garbage }, budgetMs: 5000 }),
  ),
];

test('the budget is what the caller asked for, within what is allowed', async (t) => {
  const { client } = await startSystem(t, { worker: { handlers: ['show.mjs', 'work.mjs'] } });
  // The first call of all takes its time.
  assert.equal((await client.call('show', {})).status, 201);
  for (const { headers, budgetMs, applied, clampedTo } of cases) {
    await t.test(`${JSON.stringify(headers)} gives ${budgetMs} ms`, async () => {
      const answer = await client.call('show', {}, headers);
      assert.equal(answer.status, 201, answer.text);
      const { remainingMs } = shown.parse(answer.json);
      assert.ok(remainingMs <= budgetMs && remainingMs > budgetMs - 450, `${remainingMs} ms were left`);
      assert.equal(answer.headers['preference-applied'], applied);
      assert.equal(answer.headers['request-timeout'], clampedTo);
    });
  }

  await t.test('an answer that is an error tells the same', async () => {
    const late = await client.call('work', { id: 'a', ms: 5000 }, { Prefer: 'wait=1' });
    assert.equal(late.status, 504);
    assert.equal(late.headers['preference-applied'], 'wait=1');
    assert.equal(late.problem.budgetMs, 1000);
  });
});

test('a gateway has its own default and maximum', async (t) => {
  const { client } = await startSystem(t, {
    gatewayFlags: ['--deadline-ms', '700', '--max-deadline-ms', '1200'],
    worker: { handlers: ['work.mjs'] },
  });
  const byDefault = await client.call('work', { id: 'a', ms: 5000 });
  assert.equal(byDefault.problem.budgetMs, 700);
  const clamped = await client.call('work', { id: 'b', ms: 5000 }, { 'Request-Timeout': '9' });
  assert.equal(clamped.problem.budgetMs, 1200);
  assert.equal(clamped.headers['request-timeout'], '1.2');
});
