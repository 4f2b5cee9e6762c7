import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What a worker notes of its calls, outside the system that is looked at:
 *
 *   held         it waits for its release, before it connects (no call)
 *   received     the call is in this process
 *   began        its work began
 *   ended        its work came to its end
 *   stopped      its work was broken off, because nobody waits for it any more
 *   dropped      it was thrown away, because the buffer was full
 *   skipped      it was thrown away, because its time was over
 *   undecodable  its body was decoded, and is no JSON
 *   left         the worker left its queue group (no call)
 *   joined       the worker joined its queue group (no call)
 *
 * Workers write it, see `job.mjs`; a file for each of them.
 */
const LEDGER_KINDS = [
  'held',
  'received',
  'began',
  'ended',
  'stopped',
  'dropped',
  'skipped',
  'undecodable',
  'left',
  'joined',
] as const;

/** What is noted. */
export type LedgerKind = (typeof LEDGER_KINDS)[number];

/** One line of a ledger. */
export interface LedgerEntry {
  readonly kind: LedgerKind;
  readonly worker: string;
  /** Number of the call, as its caller gave it; undefined where there is no call, or it has no number. */
  readonly call: number | undefined;
  /** Milliseconds of the shared clock. */
  readonly at: number;
}

/** One run of one call, in milliseconds of the shared clock. */
export interface LedgerRun {
  readonly worker: string;
  readonly call: number;
  readonly beganAt: number;
  /** When it came to its end, or was broken off, or its worker was killed, or nobody looked any more. */
  readonly endedAt: number;
  readonly end: 'ended' | 'stopped' | 'open';
}

/** All ledgers of a folder, in the order of time. */
export async function readLedgers(folder: string): Promise<LedgerEntry[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.ledger'));
  const ledgers = files.map(async (name) =>
    parseLedger(name.slice(0, -'.ledger'.length), await readFile(join(folder, name), 'utf8')),
  );
  return (await Promise.all(ledgers)).flat().sort((one, other) => one.at - other.at);
}

/** The lines of one worker's ledger. A line that is not whole (it is being written) is left out. */
export function parseLedger(worker: string, text: string): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  for (const line of text.split('\n').slice(0, -1)) {
    const [word, call, at] = line.split(' ');
    const kind = LEDGER_KINDS.find((known) => known === word);
    if (kind === undefined || at === undefined) throw new Error(`a ledger has the line ${line}`);
    entries.push({ kind, worker, call: /^\d+$/.test(call ?? '') ? Number(call) : undefined, at: Number(at) });
  }
  return entries;
}

/**
 * The runs that ledgers tell of, in the order of their begin. What has no end ended with its worker's kill (`killed`,
 * by name), or else at `untilAt`. Calls without a number are left out.
 */
export function runsOf(
  ledger: readonly LedgerEntry[],
  untilAt: number,
  killed: ReadonlyMap<string, number> = new Map(),
): LedgerRun[] {
  const open = new Map<string, LedgerEntry[]>();
  const runs: LedgerRun[] = [];
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
