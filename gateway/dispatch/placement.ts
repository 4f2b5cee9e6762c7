import { SEND_AHEAD_BELOW_MS } from '../../protocol/call.ts';
import type { CallError } from '../../protocol/call-error.ts';
import { brokerUnavailable, noResponders, saturated } from '../failures.ts';
import { type Call, type GroupDelivery, type Recipient, SHARED, type SharedDelivery } from './call.ts';
import type { Endpoint } from './worker-entry.ts';

/**
 * Who gets a call, and where a delivery goes. Pure functions: they look at what is known and say what to do;
 * deliverer.ts does it. These are the rules of dispatch. The first rows are about the groups of a function, the others
 * about each group by itself.
 *
 * | what is known                                              | what is done                                            |
 * |------------------------------------------------------------|---------------------------------------------------------|
 * | a call comes in                                            | one delivery for each group that has a worker in the    |
 * |                                                            | table; none: one to the shared subject                  |
 * | a group did not take it from the shared subject            | a delivery of its own for the group, unless it had one  |
 * | the last worker of a group is gone, a delivery is parked   | to the shared subject, if it is the call's only one;    |
 * |                                                            | else `no_responders`: others would get the call twice   |
 * | its caller left, or the gateway ended it                   | *drop*: it is sent to nobody                            |
 * | its deadline has passed                                    | nothing: it is about to be expired                      |
 * | a live worker has a free slot, nothing is parked           | *push* to its private subject, of several to the one    |
 * |                                                            | with the least `(outstanding + 1) × run time`           |
 * | no slot is free, but a worker is fast: it runs a call in   | *send ahead*: up to one more call for each of its       |
 * | below 5 ms, or the way to it and back takes a good part of | slots, as many as would stand empty on the way          |
 * | what a run does                                            |                                                         |
 * | neither; or `busy` came three times; or others wait; or    | *park*: it waits in the wait queue until a worker pulls |
 * | the broker is lost                                         |                                                         |
 * | the same, with parking switched off                        | `saturated`                                             |
 * | a worker answers `busy`, `draining`; nobody is subscribed  | nobody ran it: it is placed again                       |
 * | a worker answers `expired`                                 | its group did not run it: `deadline_exceeded`           |
 * | a fast worker answers while calls are parked               | it is sent the next one ahead, without a pull           |
 * | a worker pulls                                             | the next of the wait queue; not one with less time left |
 * |                                                            | than a run needs                                        |
 * | on the shared subject: the broker is connected             | *broadcast*: plain responders listen there, and a       |
 * |                                                            | gateway that has just started finds its workers         |
 * | on the shared subject: the broker is lost                  | `broker_unavailable`                                    |
 * | nobody listens there                                       | again after 20, 50 and 100 ms, unless it is certain;    |
 * |                                                            | then `no_responders`                                    |
 * | silence                                                    | nothing, ever: it may run. At most once needs no more   |
 *
 * Which parked call is next, and which is refused early, is the wait queue's part (wait-queue.ts).
 */

/** What makes it necessary to choose the groups of a call. */
export type Occasion =
  | 'submitted'
  /** Nobody listened on the shared subject. */
  | 'foundNobody'
  /** The last worker of a delivery's group is gone. */
  | 'emptied'
  /** This group did not take it from the shared subject. */
  | { readonly declinedBy: string };

/** What to do with a delivery to a known group. */
export type GroupPlacement =
  | { readonly do: 'push'; readonly endpoint: Endpoint }
  | { readonly do: 'park' }
  | { readonly do: 'fail'; readonly error: CallError }
  | { readonly do: 'drop' }
  | { readonly do: 'nothing' };

/** What to do with a delivery to the shared subject. */
export type SharedPlacement =
  | { readonly do: 'broadcast' }
  | { readonly do: 'retry'; readonly afterMs: number }
  | { readonly do: 'fail'; readonly error: CallError }
  | { readonly do: 'drop' }
  | { readonly do: 'nothing' };

/** What is known of a group when a delivery to it is placed. */
export interface GroupView {
  readonly endpoints: ReadonlySet<Endpoint>;
  /** Calls parked for it. */
  readonly parked: number;
  /** Whether calls may be parked when every slot is taken. */
  readonly isParkingOn: boolean;
  /** Whether the broker can be reached. */
  readonly isConnected: boolean;
  /** Monotonic milliseconds. */
  readonly now: number;
}

/** What a group reports as free is out of date: to push once more would only cost messages. */
const PARK_AFTER_BUSY_REPLIES = 3;
/** Interest in a subject needs up to 250 ms to be known across a cluster. */
const BROADCAST_RETRIES_MS = [20, 50, 100];

/** Functions faster than this (average run time in milliseconds) are sent calls ahead in any case: a pull costs more. */
const FAST_BELOW_MS = 5;
/** A slot that stands empty for a smaller part of a run is not worth a call that waits at one worker alone. */
const LEAST_EMPTY_SHARE = 0.05;

const ONLY_SHARED: readonly Recipient[] = [SHARED];
const NOBODY: readonly Recipient[] = [];
const PARK = { do: 'park' } as const;
const BROADCAST = { do: 'broadcast' } as const;
const DROP = { do: 'drop' } as const;
const NOTHING = { do: 'nothing' } as const;

/** Who gets new deliveries of a call. `known`: the groups of its function that have a worker in the table. */
export function groupsFor(call: Call, known: readonly string[], occasion: Occasion): readonly Recipient[] {
  switch (occasion) {
    case 'submitted':
    case 'foundNobody':
      return known.length === 0 ? ONLY_SHARED : known;
    case 'emptied': {
      const isOnlyDelivery = call.deliveries.length === 1;
      return isOnlyDelivery ? ONLY_SHARED : NOBODY;
    }
    default:
      return call.isDeliveredTo(occasion.declinedBy) ? NOBODY : [occasion.declinedBy];
  }
}

/** Where a delivery to a known group goes, which provably nobody runs. */
export function placeInGroup(delivery: GroupDelivery, group: GroupView): GroupPlacement {
  if (delivery.call.isWithdrawn) return DROP;
  if (delivery.deadlineAt <= group.now) return NOTHING;
  const isTakingCalls = group.isConnected && group.parked === 0;
  const mayPush = isTakingCalls && delivery.busyReplies < PARK_AFTER_BUSY_REPLIES;
  const endpoint = mayPush ? pick(group.endpoints, group.now) : undefined;
  if (endpoint !== undefined) return { do: 'push', endpoint };
  return group.isParkingOn ? PARK : { do: 'fail', error: saturated(group.endpoints, group.parked) };
}

/** Where a delivery goes while no worker of its function is known. */
export function placeOnShared({ call }: SharedDelivery, isConnected: boolean, now: number): SharedPlacement {
  if (call.isWithdrawn) return DROP;
  if (call.deadlineAt <= now) return NOTHING;
  return isConnected ? BROADCAST : { do: 'fail', error: brokerUnavailable() };
}

/** What follows when nobody listens on the shared subject. `isCertain`: a worker that is there would be known. */
export function placeAfterNobody(
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
export function maySendAhead(endpoint: Endpoint, now: number): boolean {
  const { outstanding, slots, worker } = endpoint;
  return outstanding >= slots && outstanding < slots + ahead(endpoint) && worker.isLive(now);
}

/** How many calls may wait at a worker for its slots. */
function ahead({ serviceMs, slots, tripMs }: Endpoint): number {
  if (serviceMs === 0 || serviceMs >= SEND_AHEAD_BELOW_MS) return 0;
  if (serviceMs < FAST_BELOW_MS) return slots;
  const emptyShare = tripMs / serviceMs;
  return emptyShare < LEAST_EMPTY_SHARE ? 0 : Math.min(slots, Math.ceil(slots * emptyShare));
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
