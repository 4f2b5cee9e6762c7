import type { Bus } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { CallError } from '../../protocol/call-error.ts';
import { encodeJson } from '../../protocol/json.ts';
import { DEFAULT_GROUP, type Subjects } from '../../protocol/subjects.ts';
import { deadlineExceeded, draining, withStarted } from '../failures.ts';
import type { Outcome } from './call.ts';
import type { Leg, Pending } from './pending.ts';
import type { Handout } from './pull-server.ts';
import type { Belief } from './worker-table.ts';

/**
 * How calls end, each exactly once: by a reply, by a failure when no group can answer any more, at the deadline, or
 * because the caller left. Whatever a leg held (reply subject, seat, place in the queue) is given back here.
 */
export interface EndingsOptions {
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  inbox: Inbox;
  belief: Belief<Leg>;
  handout: Handout<Leg>;
}

export class Endings {
  readonly #options: EndingsOptions;
  readonly #deadlines: Deadlines<Pending>;
  readonly #calls = new Set<Pending>();
  /** Replies to calls whose caller had its outcome, or had left. */
  late = 0;

  constructor(options: EndingsOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock, (call) => this.#expire(call));
  }

  /** Calls that are not settled or still owed to a group. */
  get pending(): number {
    return this.#calls.size;
  }

  /** From now on the call ends at its deadline at the latest. */
  watch(call: Pending): void {
    this.#calls.add(call);
    this.#deadlines.add(call);
  }

  /** Settles every call that is under way: the gateway ends before it is answered. */
  endAll(): void {
    for (const call of this.#calls) {
      call.settle(withStarted(draining(), call.started()));
    }
  }

  stop(): void {
    this.#deadlines.clear();
    this.#calls.clear();
  }

  /** A reply ends its leg and settles the caller, if it is the first one. */
  end(leg: Leg, outcome: Outcome): void {
    const isRefusal = outcome instanceof CallError && outcome.started === 'no';
    // A refusal of one group says nothing about the others.
    const told = isRefusal && leg.call.mayRunBesides(leg) ? withStarted(outcome, 'unknown') : outcome;
    if (!leg.call.settle(told)) this.late++;
    this.close(leg);
  }

  /** A failure that is no reply settles the caller only when no other group can answer any more. */
  fail(leg: Leg, error: CallError): void {
    leg.error = error;
    const { call } = leg;
    this.#release(leg);
    if (!call.hasOpenLegs()) {
      const started = call.started();
      call.settle(started === error.started ? error : withStarted(error, started));
    }
    this.#sweep(call);
  }

  /** Nothing more is done for this group. */
  close(leg: Leg): void {
    this.#release(leg);
    this.#sweep(leg.call);
  }

  /** Whom it was sent to provably did not run it. */
  retract(leg: Leg): void {
    const { inbox, belief } = this.#options;
    if (leg.reply !== undefined) inbox.close(leg.reply);
    leg.reply = undefined;
    if (leg.seat !== undefined) belief.release(leg.seat, leg);
    leg.seat = undefined;
    leg.state = 'placing';
  }

  /** The caller left: what is parked is dropped, what runs is cancelled. */
  abandon(call: Pending): void {
    const { bus, subjects, belief } = this.#options;
    call.isAbandoned = true;
    call.settle(new CallError('caller_gone', 'the caller left', { started: call.started() }));
    for (const leg of call.legs) {
      if (leg.state !== 'sent') {
        this.#release(leg);
        continue;
      }
      // It stays open until the worker's own reply, or the deadline, so that its slot is accounted for.
      const data = encodeJson({ call: call.request.callId, reason: 'the caller left' });
      const holders = leg.seat === undefined ? belief.workers() : [leg.seat.worker];
      if (bus.connected) for (const worker of holders) bus.publish(subjects.cancel(worker.id), data);
    }
    this.#sweep(call);
  }

  #expire(call: Pending): void {
    this.#calls.delete(call);
    call.settle(deadlineExceeded(call.request.budgetMs, call.started()));
    for (const leg of call.legs) this.#release(leg, 'expired');
  }

  #release(leg: Leg, reason: 'expired' | 'left' = 'left'): void {
    const { fn } = leg.call.request;
    if (leg.state === 'parked') this.#options.handout.unpark(fn, leg.group ?? DEFAULT_GROUP, leg, reason);
    this.retract(leg);
    leg.state = 'closed';
  }

  /** Forgets a call that is settled and owed to nobody. */
  #sweep(call: Pending): void {
    if (!call.isSettled || call.hasOpenLegs()) return;
    for (const leg of call.legs) if (leg.state !== 'closed') this.#release(leg);
    this.#deadlines.delete(call);
    this.#calls.delete(call);
  }
}
