import type { Caller } from './callers/caller.ts';
import type { CallTrace, MeasuredCall } from './trace.ts';

/** Keeps a number of calls in flight, from `startAt` (milliseconds of `performance.now`) until the trace's end. */
export async function closedLoop(trace: CallTrace, caller: Caller, startAt: number): Promise<MeasuredCall[]> {
  const { inFlight, size } = trace.closed ?? { inFlight: 1, size: 0 };
  const measured: MeasuredCall[] = [];
  let sent = 0;
  const callInTurn = async () => {
    await new Promise((resolve) => setTimeout(resolve, startAt - performance.now()));
    for (let at = 0; at < trace.endMs; ) {
      at = performance.now() - startAt;
      const id = sent++;
      const { ok, code } = await caller.send({ id, at, size, gateway: id % trace.gateways }).answer;
      const afterMs = performance.now() - startAt - at;
      const good = ok && afterMs <= trace.deadlineMs;
      measured.push({ call: id, leadIn: at < trace.leadInMs, good, code, afterMs, lateMs: 0 });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, callInTurn));
  return measured;
}

/** Ids of these calls are below zero. */
const FIRST_ID = -1;

/**
 * Calls of no work, so many in flight, for `ms`: programs that have just started run code that is not compiled yet, and
 * at some tens of calls a second it would stay so for the whole run. Resolves when the last one has its answer.
 */
export async function warmUp(
  { gateways }: CallTrace,
  caller: Caller,
  { inFlight, ms }: { inFlight: number; ms: number },
): Promise<void> {
  const until = performance.now() + ms;
  let id = FIRST_ID;
  const callInTurn = async () => {
    while (performance.now() < until) {
      const call = { id: id--, at: 0, size: 0, gateway: -id % gateways };
      await caller.send(call).answer;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, callInTurn));
}
