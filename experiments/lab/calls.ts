import type { LoadCall } from '../../load/load.ts';

/** A call as its caller saw it, on the clock of the ledgers. */
export interface SeenCall extends Omit<LoadCall, 'dueMs' | 'client'> {
  /** When it was due, in milliseconds of the shared clock. */
  readonly dueAt: number;
}

/** A result. The gateway gives none after the budget, so every result is one in time. */
export function isResult({ code }: SeenCall): boolean {
  return code === 'ok';
}

/** From the moment it was sent to its answer: what the system took, without the lateness of the caller itself. */
export function answeredAfterMs({ tookMs, lateMs }: SeenCall): number {
  return tookMs - lateMs;
}

/** The middle of some numbers, or another share of them (nearest rank); undefined of none. */
export function quantile(values: readonly number[], share = 0.5): number | undefined {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
