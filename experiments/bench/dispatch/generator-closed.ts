import type { Caller } from './callers/caller.ts';
import type { MeasuredCall } from './measured-call.ts';
import type { Trace } from './trace.ts';

/** Keeps a number of calls in flight, from `startAt` (monotonic milliseconds) until the trace's end. */
export async function closedLoop(trace: Trace, caller: Caller, startAt: number): Promise<MeasuredCall[]> {
  const { inFlight, sizeMs } = trace.closed ?? { inFlight: 1, sizeMs: 0 };
  const outcomes: MeasuredCall[] = [];
  let sent = 0;
  const callInTurn = async () => {
    await new Promise((resolve) => setTimeout(resolve, startAt - performance.now()));
    for (let at = 0; at < trace.endMs; ) {
      at = performance.now() - startAt;
      const id = sent++;
      const { ok, code } = await caller.send({ id, at, sizeMs, gateway: id % trace.gateways }).answer;
      const afterMs = performance.now() - startAt - at;
      const good = ok && afterMs <= trace.deadlineMs;
      outcomes.push({ call: id, leadIn: at < trace.leadInMs, good, code, afterMs, lateMs: 0 });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, callInTurn));
  return outcomes;
}
