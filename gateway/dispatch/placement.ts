import { PREFETCH_BELOW_MS } from '../../protocol/call.ts';
import type { CallError } from '../../protocol/call-error.ts';
import { brokerUnavailable, noResponders } from '../failures.ts';
import type { GroupDelivery, SharedDelivery } from './call.ts';
import type { Endpoint } from './worker-entry.ts';

/**
 * Where a delivery goes. Pure functions: they look at what is known and say what to do; the dispatcher does it.
 * These are the rules of dispatch, for each group of a function by itself.
 *
 * | what is known                                              | what is done                                            |
 * |------------------------------------------------------------|---------------------------------------------------------|
 * | its caller left, or its deadline has passed                | nothing: it is sent to nobody                           |
 * | a live worker has a free slot, nothing is parked           | *push* to its private subject, of several to the one    |
 * |                                                            | with the least `(outstanding + 1) × run time`           |
 * | no slot is free, but a worker is fast (below 5 ms)         | *send ahead*: up to one more call for each of its slots |
 * | neither; or it was told `busy` three times; or others wait | *park*: it waits in the wait queue until a worker pulls |
 * | a worker answers `busy`, `draining`; nobody is subscribed  | nobody ran it: it is placed again                       |
 * | a fast worker answers while calls are parked               | it is sent the next one ahead, without a pull           |
 * | a worker pulls                                             | the next of the wait queue; not one with less time left |
 * |                                                            | than a run needs                                        |
 * | no worker of the function is known                         | *broadcast* on the shared subject, where plain          |
 * |                                                            | responders listen and a gateway that has just started   |
 * |                                                            | finds its workers                                       |
 * | nobody listens there                                       | again after 20, 50 and 100 ms, unless it is certain;    |
 * |                                                            | then `no_responders`                                    |
 * | silence                                                    | nothing, ever: it may run. At most once needs no more   |
 *
 * Which parked call is next, and which is refused early, is the wait queue's part (wait-queue.ts).
 */

/** What to do with a delivery to a known group. */
export type GroupPlacement =
  | { readonly do: 'push'; readonly endpoint: Endpoint }
  | { readonly do: 'park' }
  | { readonly do: 'nothing' };

/** What to do with a delivery to the shared subject. */
export type SharedPlacement =
  | { readonly do: 'broadcast' }
  | { readonly do: 'retry'; readonly afterMs: number }
  | { readonly do: 'fail'; readonly error: CallError }
  | { readonly do: 'nothing' };

/** What is known of a group when a delivery to it is placed. */
export interface GroupView {
  readonly endpoints: ReadonlySet<Endpoint>;
  /** Calls parked for it. */
  readonly parked: number;
  /** Whether the broker can be reached. */
  readonly isConnected: boolean;
  /** Monotonic milliseconds. */
  readonly now: number;
}

const MAX_BUSY_REPLIES = 2;
/** Interest in a subject needs up to 250 ms to be known across a cluster. */
const BROADCAST_RETRIES_MS = [20, 50, 100];

const PARK = { do: 'park' } as const;
const BROADCAST = { do: 'broadcast' } as const;
const NOTHING = { do: 'nothing' } as const;

/** Where a delivery to a known group goes, which provably nobody runs. */
export function placeInGroup(delivery: GroupDelivery, group: GroupView): GroupPlacement {
  // Its deadline ends it, and nobody needs to hear of it.
  if (delivery.deadlineAt <= group.now) return NOTHING;
  const mayPush = group.isConnected && group.parked === 0 && delivery.busyReplies <= MAX_BUSY_REPLIES;
  const endpoint = mayPush ? pick(group.endpoints, group.now) : undefined;
  return endpoint === undefined ? PARK : { do: 'push', endpoint };
}

/** Where a delivery goes while no worker of its function is known. */
export function placeOnShared({ call }: SharedDelivery, isConnected: boolean, now: number): SharedPlacement {
  if (call.deadlineAt <= now) return NOTHING;
  return isConnected ? BROADCAST : { do: 'fail', error: brokerUnavailable() };
}

/** What follows when nobody listens on the shared subject. `isCertain`: a worker that is there would be known. */
export function placeUnheard(
  { call, tries }: SharedDelivery,
  isCertain: boolean,
  retryAfterS: number,
): SharedPlacement {
  const afterMs = BROADCAST_RETRIES_MS[tries - 1];
  if (afterMs === undefined || isCertain) {
    return { do: 'fail', error: noResponders(call.request.fn, retryAfterS) };
  }
  return { do: 'retry', afterMs };
}

/** Whether a call may be sent although every slot is taken, so that it is there when one frees: pulls cost messages. */
export function maySendAhead({ serviceMs, outstanding, slots, worker }: Endpoint, now: number): boolean {
  const isFast = serviceMs > 0 && serviceMs < PREFETCH_BELOW_MS;
  return isFast && outstanding >= slots && outstanding < 2 * slots && worker.isLive(now);
}

/** What a call must have left to be done in time by the fastest live worker, in milliseconds; 0 = not known. */
export function neededMs(endpoints: ReadonlySet<Endpoint>, now: number): number {
  let leastMs = Number.POSITIVE_INFINITY;
  for (const { worker, runTime } of endpoints) {
    if (worker.isLive(now)) leastMs = Math.min(leastMs, runTime.neededMs);
  }
  return Number.isFinite(leastMs) ? leastMs : 0;
}

/** The live worker with a free slot that should be done first, else one that a call may be sent ahead to. */
function pick(endpoints: ReadonlySet<Endpoint>, now: number): Endpoint | undefined {
  return (
    best(endpoints, ({ worker, free }) => free > 0 && worker.isLive(now)) ??
    best(endpoints, (endpoint) => maySendAhead(endpoint, now))
  );
}

/** Least expected time until a call would be done. A worker whose speed is unknown counts as an average one. */
function best(
  endpoints: ReadonlySet<Endpoint>,
  isEligible: (endpoint: Endpoint) => boolean,
): Endpoint | undefined {
  const averageMs = averageServiceMs(endpoints);
  let chosen: Endpoint | undefined;
  let leastMs = Number.POSITIVE_INFINITY;
  for (const endpoint of endpoints) {
    if (!isEligible(endpoint)) continue;
    const expectedMs = (endpoint.outstanding + 1) * (endpoint.serviceMs || averageMs);
    if (expectedMs < leastMs) {
      chosen = endpoint;
      leastMs = expectedMs;
    }
  }
  return chosen;
}

/** Of those whose speed is known; 1 while none is. */
function averageServiceMs(endpoints: ReadonlySet<Endpoint>): number {
  let known = 0;
  let sumMs = 0;
  for (const { serviceMs } of endpoints) {
    if (serviceMs === 0) continue;
    known++;
    sumMs += serviceMs;
  }
  return known === 0 ? 1 : sumMs / known;
}
