// The work of every bench worker: a sleep of the call's size, noted in a ledger.
import { openSync, writeSync } from 'node:fs';

/** The job that settings describe; see job.d.mts. */
export function createJob({ baseMs, scale, ledgerPath }) {
  const ledger = ledgerPath === undefined ? undefined : openSync(ledgerPath, 'a');
  // One write a line, at once: what was written survives the kill of the process.
  const note = (what, call) => {
    if (ledger !== undefined) {
      writeSync(ledger, `${what} ${call} ${(performance.timeOrigin + performance.now()).toFixed(2)}\n`);
    }
  };
  return async (call, sizeMs, signal) => {
    note('begin', call);
    await sleep(baseMs + scale * sizeMs, signal);
    note('end', call);
    signal?.throwIfAborted();
  };
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
