import { paceCalls } from '../../../load/pace.ts';
import type { Caller } from './callers/caller.ts';
import type { CallTrace, MeasuredCall, TraceCall } from './trace.ts';

/**
 * How long a caller that has given up still keeps its connection. A refusal that comes just after the deadline
 * then costs no connection; the outcome is fixed at the deadline.
 */
const LINGER_MS = 25;

/** Sends each call when it is due, from `startAt` on (milliseconds of `performance.now`), whatever became of the others. */
export async function openLoop(trace: CallTrace, caller: Caller, startAt: number): Promise<MeasuredCall[]> {
  const calls = trace.calls.values();
  const measured: Promise<MeasuredCall>[] = [];
  let next = calls.next().value;
  await new Promise<void>((resolve) => {
    paceCalls({
      elapsedMs: () => performance.now() - startAt,
      dueMs: () => next?.at ?? Number.POSITIVE_INFINITY,
      send() {
        if (next !== undefined) measured.push(callOnce(next, trace, caller, startAt));
        next = calls.next().value;
      },
      untilMs: trace.endMs,
      onOver: resolve,
    });
  });
  return Promise.all(measured);
}

function callOnce(
  call: TraceCall,
  { deadlineMs, leadInMs }: CallTrace,
  caller: Caller,
  startAt: number,
): Promise<MeasuredCall> {
  const afterMs = () => performance.now() - startAt - call.at;
  const lateMs = afterMs();
  const measured = { call: call.id, leadIn: call.at < leadInMs, lateMs };
  // Too late to be called at all; sending it only to hang up at once would make the next ones late as well.
  if (lateMs >= deadlineMs) {
    return Promise.resolve({ ...measured, good: false, code: 'gave_up', afterMs: deadlineMs });
  }
  const sent = caller.send(call);
  return new Promise((resolve) => {
    const settle = (good: boolean, code: string, after: number) => {
      clearTimeout(leave);
      clearTimeout(giveUp);
      resolve({ ...measured, good, code, afterMs: after });
    };
    const onLeave = () => {
      settle(false, 'left', afterMs());
      clearTimeout(linger);
      sent.abandon();
    };
    const { leavesAt } = call;
    const leave = leavesAt === undefined ? undefined : setTimeout(onLeave, leavesAt - call.at - lateMs);
    const giveUp = setTimeout(() => settle(false, 'gave_up', deadlineMs), deadlineMs - lateMs);
    const linger = setTimeout(() => sent.abandon(), deadlineMs + LINGER_MS - lateMs);
    void sent.answer.then(({ ok, code }) => {
      clearTimeout(linger);
      const after = afterMs();
      const inTime = after <= deadlineMs;
      settle(ok && inTime, inTime ? code : 'gave_up', inTime ? after : deadlineMs);
    });
  });
}
