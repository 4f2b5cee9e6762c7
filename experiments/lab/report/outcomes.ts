import type { AnswerCount, Variant } from '../result.ts';

/** What an answer means to its caller. The order is that of marks and colours in the charts. */
export const OUTCOMES = [
  { key: 'result', label: 'result' },
  { key: 'refused', label: 'refused, not started' },
  { key: 'late', label: 'no answer in time' },
  { key: 'lost', label: 'lost or failed' },
] as const;

export type OutcomeKey = (typeof OUTCOMES)[number]['key'];

/** Which of these an answer is. A 504 tells that the budget is over, whether the call began or not. */
export function outcomeKey({ status, code, started }: Omit<AnswerCount, 'count'>): OutcomeKey {
  if (code === 'ok') return 'result';
  if (status === 504) return 'late';
  return started === 'no' ? 'refused' : 'lost';
}

/** The places in `OUTCOMES` by code, in one variant: a point of a chart knows its code only. */
export function outcomeIndexes({ outcomes }: Variant): (code: string) => number {
  const indexes = new Map<string, number>();
  for (const outcome of outcomes) {
    const index = OUTCOMES.findIndex(({ key }) => key === outcomeKey(outcome));
    // A code that was told with and without certainty counts as the worse of both.
    indexes.set(outcome.code, Math.max(index, indexes.get(outcome.code) ?? 0));
  }
  return (code) => indexes.get(code) ?? (code === 'ok' ? 0 : OUTCOMES.length - 1);
}

/** How many calls of a variant ended in a way. */
export function countOutcomes({ outcomes }: Variant, isMeant: (outcome: AnswerCount) => boolean): number {
  return outcomes.filter(isMeant).reduce((sum, { count }) => sum + count, 0);
}

/** What the two kinds of workers are called in the report. */
export const KIND_LABELS = { plain: 'plain queue group', ours: 'now-or-never' } as const;
