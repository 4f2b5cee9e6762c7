import type { TraceCall } from '../../harness/generator/trace.ts';

/** What a policy may look at besides the queue. */
interface PolicyView {
  readonly now: number;
  readonly deadlineMs: number;
  /** When a call last expired in the queue, `-Infinity` if none did. */
  readonly evictedAt: number;
  /** How long the call would run on the worker that is to be given one. */
  readonly serviceMs: (call: TraceCall) => number;
}

/** How a central queue decides. */
export interface Policy {
  /** Index, in a queue ordered by arrival, of the call to start; undefined for none. */
  readonly pick: (queue: readonly TraceCall[], view: PolicyView) => number | undefined;
  /** Whether a running call is ended, and its slot freed, when its deadline passes or its caller leaves. */
  readonly aborts: boolean;
}

/** Share of the budget that the oldest may have waited before the newest goes first. */
const STALE_SHARE = 0.6;

/** Starts only what can finish in time, the shortest first. */
function shortestInTime(queue: readonly TraceCall[], view: PolicyView): number | undefined {
  let best: { index: number; ms: number } | undefined;
  for (const [index, call] of queue.entries()) {
    const ms = view.serviceMs(call);
    const leavesAt = call.leavesAt ?? Number.POSITIVE_INFINITY;
    const inTime = view.now + ms <= Math.min(call.at + view.deadlineMs, leavesAt);
    if (inTime && (best === undefined || ms < best.ms)) best = { index, ms };
  }
  return best?.index;
}

/** Oldest first, but newest first while the oldest is stale or something expired within the last budget. */
function adaptiveLifo(queue: readonly TraceCall[], view: PolicyView): number | undefined {
  const [oldest] = queue;
  if (oldest === undefined) return undefined;
  const stale = view.now - oldest.at > STALE_SHARE * view.deadlineMs;
  return stale || view.now - view.evictedAt <= view.deadlineMs ? queue.length - 1 : 0;
}

function oldest(queue: readonly TraceCall[]): number | undefined {
  return queue.length === 0 ? undefined : 0;
}

/** The simulated systems: the best there is for who knows all sizes, adaptive LIFO, and plain FIFO. */
export const policies = {
  omniscient: { pick: shortestInTime, aborts: true },
  alifo: { pick: adaptiveLifo, aborts: false },
  'alifo-abort': { pick: adaptiveLifo, aborts: true },
  fifo: { pick: oldest, aborts: false },
} satisfies Record<string, Policy>;

/** Name of a simulated system. */
export type PolicyName = keyof typeof policies;
