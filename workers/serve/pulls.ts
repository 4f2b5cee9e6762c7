import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import { type Deferred, deferred } from '../../lib/deferred.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { encodeJson } from '../../protocol/json.ts';
import { isEmptyAnswer } from '../../protocol/reply.ts';
import type { Demand } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Slots } from './slots.ts';

/** What pulls need. */
export interface PullsOptions {
  readonly worker: string;
  readonly fn: string;
  readonly group: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly inbox: Inbox;
  readonly slots: Slots;
  /** A pull came to its end; its slot is reserved no more. */
  readonly onOutcome: (outcome: PullOutcome) => void;
}

/** How a pull ended: with a call, which goes to `answered`, or in vain, which goes to `endedInVain`. */
export type PullOutcome =
  | { readonly kind: 'call'; readonly message: BusMessage }
  | { readonly kind: 'vain'; readonly why: 'empty' | 'nobody' | 'silence'; readonly pull: OpenPull };

/** A pull that is out. */
export interface OpenPull extends Expiring {
  readonly reply: string;
  /** To the gateway that named its demand, not to any. */
  readonly isDirect: boolean;
  /** Demands received when it was sent. */
  readonly demands: number;
  /** When its slot is given back; then, when its reply subject is closed. */
  deadlineAt: number;
}

const RESERVED_MS = 250;
/** A call that comes after its pull was given up still has to be answered: its reply subject stays open. */
const LATE_MS = 10_000;
/** A gateway that closes its queue may answer `empty` for a moment. */
const AGAIN_MS = 5;

/**
 * Asks gateways for parked calls of one function.
 *
 *   idle ──► wanted        a gateway's demand was received, or a call was answered `busy`
 *   wanted ──► idle        a pull found no gateway with parked calls, and no demand came since it was sent
 *
 * While wanted, each slot that comes free sends a pull, which reserves the slot for at most 250 ms. Demand is
 * answered to the gateway that named it; what it no longer has is asked of any gateway. Demands are counted, not
 * flagged: with a flag, a demand that crosses a pull on its way would be lost when two gateways have work.
 *
 * Only while the worker serves are there free slots, so in no other phase is a pull sent.
 */
export class Pulls {
  readonly #options: PullsOptions;
  readonly #out = new Set<OpenPull>();
  readonly #reserved: Deadlines<OpenPull>;
  readonly #givenUp: Deadlines<OpenPull>;
  #isWanted = false;
  #demands = 0;
  #settled: Deferred<void> | undefined;

  constructor(options: PullsOptions) {
    this.#options = options;
    this.#reserved = new Deadlines(options.clock, (pull) => this.#giveUp(pull));
    this.#givenUp = new Deadlines(options.clock, (pull) => options.inbox.close(pull.reply));
  }

  /** A gateway holds parked calls. */
  demanded({ gateway, parked, free = 0 }: Demand): void {
    const { slots, subjects, fn, group, worker } = this.#options;
    this.#demands++;
    this.#isWanted = true;
    // Where many slots are free, twice as many pulls as calls are enough: by its part in them each worker asks.
    if (Math.random() * free > 2 * parked * slots.free) return;
    const data = encodeJson({ worker, fn, group });
    for (let wanted = Math.min(slots.free, parked); wanted > 0; wanted--) {
      this.#pull(subjects.pullFrom(gateway), data, true);
    }
  }

  /** A call was answered `busy`: whoever sent it will park it. */
  callRefused(): void {
    this.#isWanted = true;
  }

  /** A slot came free and nothing that is kept here needs it. */
  slotFreed(): void {
    if (this.#isWanted) this.#pullAny();
  }

  /** The call of a pull was taken; `parked` more are parked at its gateway. */
  answered(parked: number): void {
    this.#isWanted = true;
    for (let more = Math.min(this.#options.slots.free, parked); more > 0; more--) this.#pullAny();
  }

  /** A pull brought no call. Asks once more where that may help; else says whether nothing is left to ask for. */
  endedInVain({ pull, why }: Extract<PullOutcome, { kind: 'vain' }>): boolean {
    const { clock, slots } = this.#options;
    if (slots.free === 0) return false;
    if (why === 'silence') return this.#out.size === 0;
    if (pull.isDirect || pull.demands !== this.#demands) {
      this.#pullAny();
      return false;
    }
    if (why === 'empty') {
      clock.after(AGAIN_MS, () => this.slotFreed());
      return false;
    }
    if (this.#out.size > 0) return false;
    this.#isWanted = false;
    return true;
  }

  /** Resolves when every pull that is out is answered or given up. */
  settled(): Promise<void> {
    if (this.#out.size === 0) return Promise.resolve();
    this.#settled ??= deferred();
    return this.#settled.promise;
  }

  /** Forgets what is out. */
  stop(): void {
    this.#reserved.clear();
    this.#givenUp.clear();
  }

  #pullAny(): void {
    const { subjects, fn, group, worker } = this.#options;
    this.#pull(subjects.pull(fn, group), encodeJson({ worker }), false);
  }

  #pull(subject: string, data: Uint8Array, isDirect: boolean): void {
    const { bus, clock, inbox, slots } = this.#options;
    if (!bus.connected || slots.free === 0) return;
    const reply: string = inbox.open((message) => this.#onAnswer(pull, message));
    const deadlineAt = clock.now() + RESERVED_MS;
    const pull: OpenPull = { reply, isDirect, demands: this.#demands, deadlineAt };
    slots.reserve();
    this.#out.add(pull);
    this.#reserved.add(pull);
    bus.publish(subject, data, { reply });
  }

  #onAnswer(pull: OpenPull, message: BusMessage): void {
    const { inbox, onOutcome } = this.#options;
    inbox.close(pull.reply);
    this.#release(pull);
    this.#givenUp.delete(pull);
    if (message.noResponders) onOutcome({ kind: 'vain', why: 'nobody', pull });
    else if (isEmptyAnswer(message.headers())) onOutcome({ kind: 'vain', why: 'empty', pull });
    else onOutcome({ kind: 'call', message });
  }

  #giveUp(pull: OpenPull): void {
    this.#release(pull);
    pull.deadlineAt = this.#options.clock.now() + LATE_MS;
    this.#givenUp.add(pull);
    this.#options.onOutcome({ kind: 'vain', why: 'silence', pull });
  }

  /** Its slot is no longer reserved. */
  #release(pull: OpenPull): void {
    if (!this.#out.delete(pull)) return;
    this.#reserved.delete(pull);
    this.#options.slots.release();
    if (this.#out.size > 0) return;
    this.#settled?.resolve();
    this.#settled = undefined;
  }
}
