import type { Expiring } from '../../lib/deadlines.ts';
import type { CallError } from '../../protocol/call-error.ts';
import type { Started } from '../../protocol/codes.ts';
import type { CallRequest, Outcome, PendingCall } from './call.ts';
import type { Parkable } from './wait-queue.ts';
import type { Seat } from './worker-table.ts';

/**
 * One group's part in a call: each group is owed the call once.
 *
 *   placing ──► sent ──► closed          pushed to a worker, or handed out to one that pulled, and answered
 *      │  ▲       │
 *      │  └───────┤                      busy, draining, or nobody there: provably not run, placed again
 *      ▼          │
 *   parked ───────┘                      waits for a pull; expiry, refusal and abandonment close it
 *
 * A leg without group went to `P.call.<fn>`, because no worker was known: any group may have run it, so its reply
 * subject stays open for all of them.
 */
export class Leg implements Parkable {
  readonly call: Pending;
  readonly group: string | undefined;
  state: 'placing' | 'parked' | 'sent' | 'closed' = 'placing';
  seat: Seat<Leg> | undefined;
  /** The open reply subject while sent. */
  reply: string | undefined;
  /**
   * On the shared subject: the only group that was seen lately refused it, so nobody is waited for. It proves
   * nothing about plain responders that nobody has seen: they may run it.
   */
  isRefused = false;
  /** Times it was told `busy`. */
  refusals = 0;
  /** Tries on `P.call.<fn>`. */
  broadcasts = 0;
  parkedAt = 0;
  parkedMs = 0;
  error: CallError | undefined;

  constructor(call: Pending, group: string | undefined) {
    this.call = call;
    this.group = group;
  }

  get acceptedAt(): number {
    return this.call.request.acceptedAt;
  }

  get deadlineAt(): number {
    return this.call.deadlineAt;
  }

  get budgetMs(): number {
    return this.call.request.budgetMs;
  }

  get bytes(): number {
    return this.call.request.body.byteLength;
  }
}

/** A call and its legs, from submission until nothing is owed any more. */
export class Pending implements Expiring, PendingCall {
  readonly request: CallRequest;
  readonly legs: Leg[] = [];
  isSettled = false;
  /** The caller left: it is owed to nobody any more. */
  isAbandoned = false;
  readonly #settle: (outcome: Outcome) => void;
  readonly #onAbandon: (call: Pending) => void;

  constructor(request: CallRequest, settle: (outcome: Outcome) => void, onAbandon: (call: Pending) => void) {
    this.request = request;
    this.#settle = settle;
    this.#onAbandon = onAbandon;
  }

  get deadlineAt(): number {
    return this.request.deadlineAt;
  }

  /** The first outcome counts; whether this was it. */
  settle(outcome: Outcome): boolean {
    if (this.isSettled) return false;
    this.isSettled = true;
    this.#settle(outcome);
    return true;
  }

  abandon(): void {
    if (!this.isSettled) this.#onAbandon(this);
  }

  hasOpenLegs(): boolean {
    return this.legs.some((leg) => leg.state !== 'closed' && !leg.isRefused);
  }

  /** Whether another group than the leg's may have begun the call, or may still. */
  mayRunBesides(leg: Leg): boolean {
    if (leg.group === undefined) return true;
    return this.legs.some(
      (other) => other !== leg && (other.state !== 'closed' || (other.error?.started ?? 'no') !== 'no'),
    );
  }

  /** Whether any group can have begun the call: `no` only if none can. */
  started(): Started {
    let started: Started = 'no';
    for (const leg of this.legs) {
      if (leg.error?.started === 'yes') return 'yes';
      if (leg.state === 'sent' || leg.error?.started === 'unknown') started = 'unknown';
    }
    return started;
  }
}
