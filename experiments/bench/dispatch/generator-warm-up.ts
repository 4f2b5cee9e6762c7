import type { Caller } from './callers/caller.ts';
import type { Trace } from './trace.ts';

/** Ids of these calls are below zero. */
const FIRST_ID = -1;
const CALLS_PER_SLOT = 2;

/**
 * Calls of no work, twice as many in flight as there are slots, for `ms`: programs that have just started run
 * code that is not compiled yet, and at some tens of calls a second it would stay so for the whole run.
 * Resolves when the last one has its answer.
 */
export async function warmUp(trace: Trace, caller: Caller, ms: number): Promise<void> {
  const until = performance.now() + ms;
  let id = FIRST_ID;
  const callInTurn = async () => {
    while (performance.now() < until) {
      const call = { id: id--, at: 0, sizeMs: 0, gateway: -id % trace.gateways };
      await caller.send(call).answer;
    }
  };
  const inFlight = CALLS_PER_SLOT * trace.workers.length * trace.slots;
  await Promise.all(Array.from({ length: inFlight }, callInTurn));
}
