import type { LedgerRun } from '../../harness/ledger.ts';

/** One run of one call by one worker, in milliseconds from the start of the run. */
export interface WorkEntry {
  readonly worker: number;
  readonly call: number;
  readonly beganAt: number;
  readonly endedAt: number;
}

/** When the work of a worker stood still or ended for good, in milliseconds of the shared clock. */
export interface Standstill {
  readonly frozenFrom?: number;
  readonly frozenTo?: number;
  readonly killedAt?: number;
}

/** What workers ran, by their names, from `startAt` on. Time spent frozen is cut out: `endedAt` comes that much earlier. */
export function workOf(
  runs: readonly LedgerRun[],
  workers: readonly string[],
  startAt: number,
  standstills: ReadonlyMap<string, Standstill>,
): WorkEntry[] {
  return runs.map(({ worker, call, beganAt, endedAt }) => ({
    worker: workers.indexOf(worker),
    call,
    beganAt: beganAt - startAt,
    endedAt: endedAt - startAt - frozenMs(beganAt, endedAt, standstills.get(worker) ?? {}),
  }));
}

function frozenMs(beganAt: number, endedAt: number, { frozenFrom, frozenTo }: Standstill): number {
  if (frozenFrom === undefined) return 0;
  return Math.max(0, Math.min(endedAt, frozenTo ?? endedAt) - Math.max(beganAt, frozenFrom));
}
