// The work of every worker in the experiments, see job.d.mts. Plain JavaScript, because the built program loads it.
import { existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from './clock.mjs';

const GATE_POLL_MS = 5;

export class Job {
  #ledger;

  constructor(settings = JSON.parse(process.env.WORKER_JOB ?? '{}')) {
    this.settings = settings;
    const { ledgerFolder, worker } = settings;
    if (ledgerFolder !== undefined) this.#ledger = openSync(join(ledgerFolder, `${worker}.ledger`), 'a');
  }

  note(kind, call = '-', at = sharedNow()) {
    // One write a line, at once: what was written survives the kill of the process.
    if (this.#ledger !== undefined) writeSync(this.#ledger, `${kind} ${call} ${at.toFixed(3)}\n`);
  }

  async released() {
    const { gate } = this.settings;
    if (gate === undefined) return;
    this.note('held');
    while (!existsSync(gate)) await pause(GATE_POLL_MS);
  }

  async run(call, size, signal) {
    this.note('began', call);
    await sleep(this.settings.baseMs + this.settings.scale * size, signal);
    this.note(signal?.aborted ? 'stopped' : 'ended', call);
    signal?.throwIfAborted();
  }
}

/** Resolves after `ms`, or at once when aborted. Timers round up, so the fraction is left to them. */
function sleep(ms, signal) {
  if (ms <= 0 || signal?.aborted) return undefined;
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, Math.floor(ms));
    signal?.addEventListener('abort', done);
  });
}
