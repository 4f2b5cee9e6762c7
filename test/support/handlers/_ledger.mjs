// The handlers' side of the ledger: what began and ended, with times of the clock that all processes share.
import { appendFileSync } from 'node:fs';

const { LEDGER_FILE: file, LEDGER_GROUP: group = 'workers' } = process.env;

function now() {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

function write(record) {
  if (file === undefined) return;
  appendFileSync(file, `${JSON.stringify({ ...record, pid: process.pid, ppid: process.ppid, at: now() })}\n`);
}

/** A handler was entered for the call `id`. */
export function began(id) {
  write({ kind: 'began', id, group });
}

/** The handler was left; `how` says in what way. */
export function ended(id, how) {
  write({ kind: 'ended', id, group, how });
}

write({ kind: 'up', group });
