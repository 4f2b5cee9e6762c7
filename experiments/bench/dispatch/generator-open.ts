import type { Caller } from './callers/caller.ts';
import type { MeasuredCall } from './measured-call.ts';
import type { Trace, TraceCall } from './trace.ts';

/**
 * How long a caller that has given up still keeps its connection. A refusal that comes just after the deadline
 * then costs no connection; the outcome is fixed at the deadline.
 */
const LINGER_MS = 25;

/** Sends each call when it is due (monotonic milliseconds, from `startAt`), whatever became of the others. */
export async function openLoop(trace: Trace, caller: Caller, startAt: number): Promise<MeasuredCall[]> {
  const outcomes: Promise<MeasuredCall>[] = [];
  await new Promise<void>((resolve) => {
    const sendDue = () => {
      for (;;) {
        const call = trace.calls[outcomes.length];
        if (call === undefined) return resolve();
        const waitMs = startAt + call.at - performance.now();
        if (waitMs > 0) return void setTimeout(sendDue, waitMs);
        outcomes.push(callOnce(call, trace, caller, startAt));
      }
    };
    sendDue();
  });
  return Promise.all(outcomes);
}

function callOnce(call: TraceCall, trace: Trace, caller: Caller, startAt: number): Promise<MeasuredCall> {
  const { deadlineMs, leadInMs } = trace;
  const afterMs = () => performance.now() - startAt - call.at;
  const lateMs = afterMs();
  const outcome = { call: call.id, leadIn: call.at < leadInMs, lateMs };
  // Too late to be called at all; sending it only to hang up at once would make the next ones late as well.
  if (lateMs >= deadlineMs) {
    return Promise.resolve({ ...outcome, good: false, code: 'gave_up', afterMs: deadlineMs });
  }
  const pending = caller.send(call);
  return new Promise((resolve) => {
    const settle = (good: boolean, code: string, after: number) => {
      clearTimeout(leave);
      clearTimeout(giveUp);
      resolve({ ...outcome, good, code, afterMs: after });
    };
    const leave =
      call.leavesAt === undefined
        ? undefined
        : setTimeout(
            () => {
              settle(false, 'left', afterMs());
              clearTimeout(linger);
              pending.abandon();
            },
            call.leavesAt - call.at - lateMs,
          );
    const giveUp = setTimeout(() => settle(false, 'gave_up', deadlineMs), deadlineMs - lateMs);
    const linger = setTimeout(() => pending.abandon(), deadlineMs + LINGER_MS - lateMs);
    void pending.answer.then(({ ok, code }) => {
      clearTimeout(linger);
      const after = afterMs();
      const inTime = after <= deadlineMs;
      settle(ok && inTime, inTime ? code : 'gave_up', inTime ? after : deadlineMs);
    });
  });
}
