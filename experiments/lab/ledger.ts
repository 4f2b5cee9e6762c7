import { openSync, writeSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sharedNow } from './machine-clock.ts';

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
 */
export const LEDGER_KINDS = [
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

/** Header that carries a call's number. */
export const CALL_HEADER = 'X-Fn-Call';

/** Writes the ledger of one worker. Each line is written at once, so it survives the kill of the process. */
export class LedgerWriter {
  readonly #file: number;

  constructor(folder: string, worker: string) {
    this.#file = openSync(join(folder, `${worker}.ledger`), 'a');
  }

  /** Notes what happens to a call now, or happened `at` (shared clock). `call` is the text of its header. */
  note(kind: LedgerKind, call?: string, at = sharedNow()): void {
    writeSync(this.#file, `${kind} ${call ?? '-'} ${at.toFixed(3)}\n`);
  }
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
