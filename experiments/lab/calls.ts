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

/**
 * How much work call `n` is: a number in [0, 1) that depends on the call alone (FNV-1a, mixed). As good as drawn, and
 * the same in every run and variant.
 */
export function sizeOf(n: number): number {
  let hash = 0x811c9dc5;
  for (const digit of String(n)) hash = Math.imul(hash ^ (digit.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
