import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Admission, admissionOf, type Situation } from '../../../workers/serve/intake.ts';

const calm: Situation = { now: 0, phase: 'serving', totalSlots: 2, canBegin: true, kept: 0, averageMs: 0 };
const full = { canBegin: false };

const cases: readonly [what: string, at: Partial<Situation>, gateway: Admission, plain: Admission][] = [
  ['while a slot can begin it', {}, 'begin', 'begin'],
  ['at its deadline', { now: 1000 }, 'expired', 'expired'],
  ['at its deadline while the worker drains', { now: 1000, phase: 'draining' }, 'expired', 'expired'],
  ['while the worker drains', { phase: 'draining' }, 'draining', 'begin'],
  ['while it drains and no slot can begin', { phase: 'draining', ...full }, 'draining', 'keep'],
  ['after it stopped', { phase: 'stopped' }, 'draining', 'begin'],
  ['while it lags', { phase: 'lagging', ...full }, 'busy', 'keep'],
  ['while it lags, of a fast function', { phase: 'lagging', ...full, averageMs: 1 }, 'busy', 'keep'],
  ['without a slot, of a function that never ran', full, 'busy', 'keep'],
  ['without a slot, of a fast function', { ...full, averageMs: 49.9 }, 'keep', 'keep'],
  ['without a slot, of a slow function', { ...full, averageMs: 50 }, 'busy', 'keep'],
  ['when each slot has one call kept', { ...full, averageMs: 1, kept: 2 }, 'busy', 'keep'],
  ['when those before it take until its deadline', { ...full, averageMs: 400, kept: 4 }, 'busy', 'busy'],
  ['when those before it leave it time', { ...full, averageMs: 399, kept: 4 }, 'busy', 'keep'],
  ['when a thousand are kept', { ...full, averageMs: 0.01, kept: 1000 }, 'busy', 'busy'],
];

for (const [what, at, gateway, plain] of cases) {
  test(`${what} a gateway's call is answered by ${gateway}, a plain requester's by ${plain}`, () => {
    const situation = { ...calm, ...at };
    assert.equal(admissionOf({ isPlain: false, deadlineAt: 1000 }, situation), gateway);
    assert.equal(admissionOf({ isPlain: true, deadlineAt: 1000 }, situation), plain);
  });
}
