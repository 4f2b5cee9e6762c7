import type { LedgerEntry } from './ledger.ts';

/** One run of one call, in milliseconds of the shared clock. */
export interface Run {
  readonly worker: string;
  readonly call: number;
  readonly beganAt: number;
  /** When it came to its end, or was broken off, or its worker was killed, or nobody looked any more. */
  readonly endedAt: number;
  readonly end: 'ended' | 'stopped' | 'open';
}

/** What befell workers. */
export type Killed = ReadonlyMap<string, number>;

/**
 * The runs that ledgers tell of. What has no end ended with its worker's kill (`killed`, by name), or else at
 * `untilAt`. Calls without a number are left out.
 */
export function runsOf(ledger: readonly LedgerEntry[], untilAt: number, killed: Killed = new Map()): Run[] {
  const open = new Map<string, LedgerEntry[]>();
  const runs: Run[] = [];
  for (const entry of ledger) {
    const { kind, worker, call, at } = entry;
    if (call === undefined) continue;
    const key = `${worker} ${call}`;
    if (kind === 'began') open.set(key, [...(open.get(key) ?? []), entry]);
    if (kind !== 'ended' && kind !== 'stopped') continue;
    const beganAt = open.get(key)?.shift()?.at;
    if (beganAt !== undefined) runs.push({ worker, call, beganAt, endedAt: at, end: kind });
  }
  for (const { worker, call, at } of [...open.values()].flat()) {
    if (call === undefined) continue;
    const endedAt = Math.max(at, killed.get(worker) ?? untilAt);
    runs.push({ worker, call, beganAt: at, endedAt, end: 'open' });
  }
  return runs.sort((one, other) => one.beganAt - other.beganAt);
}

/** Runs of the same call in the same group beyond the first. `groups` is by worker name. */
export function repeatedRuns(runs: readonly Run[], groups: ReadonlyMap<string, string>): Run[] {
  const seen = new Set<string>();
  return runs.filter(({ call, worker }) => {
    const key = `${call} ${groups.get(worker) ?? ''}`;
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  });
}
