import { markdownTable } from './report/markdown.ts';

/** One figure against what must be reached. */
export interface GoalResult {
  readonly what: string;
  readonly got: number;
  /** In words, with the sign: `≥ 0.94`. */
  readonly needed: string;
  readonly passed: boolean;
}

/** A figure that must reach a limit; nothing when it was not measured. */
export function atLeast(what: string, got: number | undefined, limit: number): GoalResult[] {
  return got === undefined ? [] : [{ what, got, needed: `≥ ${limit}`, passed: got >= limit }];
}

/** A figure that must not exceed a limit; nothing when it was not measured. */
export function atMost(what: string, got: number | undefined, limit: number): GoalResult[] {
  return got === undefined ? [] : [{ what, got, needed: `≤ ${limit}`, passed: got <= limit }];
}

/** Reached or missed, for each. */
export function goalsTable(results: readonly GoalResult[]): string {
  const rows = results.map(({ what, got, needed, passed }) => [
    what,
    got.toFixed(3),
    needed,
    passed ? 'reached' : '**missed**',
  ]);
  return markdownTable(['goal', 'got', 'needed', ''], rows);
}
