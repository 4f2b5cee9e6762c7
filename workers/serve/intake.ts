import type { Clock } from '../../lib/clock.ts';
import { Deadlines } from '../../lib/deadlines.ts';
import { SEND_AHEAD_BELOW_MS } from '../../protocol/call.ts';
import type { NotRunSignal } from '../../protocol/reply.ts';
import type { ArrivedCall } from './arrival.ts';
import type { Phase, PhaseName } from './phase.ts';
import type { ServiceTime } from './service-time.ts';
import type { Slots } from './slots.ts';

/** What becomes of a call that arrives: it begins, is kept until a slot comes free, or is not run. */
export type Admission = 'begin' | 'keep' | NotRunSignal;

/** What an admission depends on besides the call. */
export interface Situation {
  readonly now: number;
  readonly phase: PhaseName;
  readonly totalSlots: number;
  readonly canBegin: boolean;
  /** Calls that are kept already. */
  readonly kept: number;
  /** Average run time; 0 when it is not known. */
  readonly averageMs: number;
}

const MAX_KEPT = 1000;

/**
 * Decides, from its headers alone, what becomes of a call. The first line that holds counts:
 *
 *                                 a gateway's call                  a plain requester's call
 *   its deadline has passed       expired                           expired
 *   the worker is leaving         draining                          (goes on)
 *   a slot can begin it           begin                             begin
 *   no slot can                   keep, if the function is fast     keep, if it can probably begin in time:
 *                                 and each slot has one call        it can wait nowhere else
 *                                 kept at most (a prefetch)
 *   else                          busy                              busy
 */
export function admissionOf(call: Pick<ArrivedCall, 'isPlain' | 'deadlineAt'>, at: Situation): Admission {
  if (call.deadlineAt <= at.now) return 'expired';
  if (!call.isPlain && (at.phase === 'draining' || at.phase === 'stopped')) return 'draining';
  if (at.canBegin) return 'begin';
  return (call.isPlain ? canBeginInTime(call.deadlineAt, at) : canPrefetch(at)) ? 'keep' : 'busy';
}

function canPrefetch({ phase, kept, totalSlots, averageMs }: Situation): boolean {
  return phase === 'serving' && averageMs > 0 && averageMs < SEND_AHEAD_BELOW_MS && kept < totalSlots;
}

function canBeginInTime(deadlineAt: number, { now, kept, totalSlots, averageMs }: Situation): boolean {
  const waitMs = (averageMs * (kept + 1)) / totalSlots;
  return kept < MAX_KEPT && now + waitMs < deadlineAt;
}

/** What an intake looks at; it changes none of it. */
export interface IntakeOptions {
  readonly clock: Clock;
  readonly phase: Phase;
  readonly slots: Slots;
  readonly serviceTime: ServiceTime;
  /** A kept call's deadline passed; it is in here no more. */
  readonly onExpired: (call: ArrivedCall) => void;
}

/** Admits the calls of one function, and holds those that are kept, in order of arrival. */
export class Intake {
  readonly #options: IntakeOptions;
  readonly #kept = new Set<ArrivedCall>();
  readonly #expiry: Deadlines<ArrivedCall>;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#expiry = new Deadlines(options.clock, (call) => {
      this.#kept.delete(call);
      options.onExpired(call);
    });
  }

  /** Calls that are kept. */
  get size(): number {
    return this.#kept.size;
  }

  /** What the caller has to do with a call; one that is kept is in here from now on. */
  admit(call: ArrivedCall, now: number): Admission {
    const { phase, slots, serviceTime } = this.#options;
    const admission = admissionOf(call, {
      now,
      phase: phase.current,
      totalSlots: slots.total,
      canBegin: slots.canBegin,
      kept: this.#kept.size,
      averageMs: serviceTime.averageMs,
    });
    if (admission === 'keep') {
      this.#kept.add(call);
      this.#expiry.add(call);
    }
    return admission;
  }

  /** Takes out the call that has waited longest. */
  next(): ArrivedCall | undefined {
    // The usual case, at the end of each call.
    if (this.#kept.size === 0) return undefined;
    const [call] = this.#kept;
    if (call !== undefined) this.#remove(call);
    return call;
  }

  /** Takes out the call of that id. */
  withdraw(callId: string): ArrivedCall | undefined {
    for (const call of this.#kept) {
      if (call.callId !== callId) continue;
      this.#remove(call);
      return call;
    }
    return undefined;
  }

  #remove(call: ArrivedCall): void {
    this.#kept.delete(call);
    this.#expiry.delete(call);
  }
}
