import type { Bus, BusMessage } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Deadlines, type Expiring } from '../../lib/deadlines.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { encodeJson } from '../../protocol/json.ts';
import type { Demand } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { Slots } from './slots.ts';

/**
 * Asks gateways for parked calls of one function.
 *
 *   idle ──► wanted        a gateway's demand was heard, or a call was answered `busy`
 *   wanted ──► idle        a pull found no gateway with parked calls, and no demand came since it was sent
 *
 * While wanted, each slot that comes free sends a pull, which reserves the slot for at most 250 ms. Demand is
 * answered to the gateway that named it; what it no longer has is asked of any gateway. Demands are counted, not
 * flagged: with a flag, a demand that crosses a pull on its way would be lost when two gateways have work.
 */
export interface PullsOptions {
  worker: string;
  fn: string;
  group: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
  inbox: Inbox;
  slots: Slots;
  /** Takes the call that answers a pull; returns how many more are parked there. */
  take: (message: BusMessage) => number;
  /** A reserved slot is free again: what is buffered here goes first. */
  onReleased: () => void;
  /** Nothing is parked anywhere, and slots are free. */
  onIdle: () => void;
}

interface Pull extends Expiring {
  readonly reply: string;
  readonly isDirect: boolean;
  /** Demands heard when it was sent. */
  readonly demands: number;
  readonly deadlineAt: number;
}

const RESERVED_MS = 250;
/** A call that comes after its pull was given up still has to be answered: its reply subject stays open. */
const LATE_MS = 10_000;
/** A gateway that closes its queue may answer `empty` for a moment. */
const AGAIN_MS = 5;

export class Pulls {
  readonly #options: PullsOptions;
  readonly #out = new Set<Pull>();
  readonly #reserved: Deadlines<Pull>;
  readonly #givenUp: Deadlines<Pull>;
  #isWanted = false;
  #isStopped = false;
  #demands = 0;
  #onSettled: (() => void) | undefined;

  constructor(options: PullsOptions) {
    this.#options = options;
    this.#reserved = new Deadlines(options.clock, (pull) => this.#giveUp(pull));
    this.#givenUp = new Deadlines(options.clock, (pull) => options.inbox.close(pull.reply));
  }

  /** A gateway holds parked calls. */
  onDemand({ gateway, parked, free = 0 }: Demand): void {
    const { slots, subjects, fn, group, worker } = this.#options;
    if (this.#isStopped) return;
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
  onRefused(): void {
    this.#isWanted = true;
  }

  /** A slot came free. */
  onFree(): void {
    if (this.#isWanted && !this.#isStopped) this.#pullAny();
  }

  /** Sends no more pulls; resolves when those that are out are answered or given up. */
  drain(): Promise<void> {
    this.#isStopped = true;
    this.#isWanted = false;
    if (this.#out.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onSettled = resolve;
    });
  }

  stop(): void {
    this.#isStopped = true;
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
    const pull: Pull = { reply, isDirect, demands: this.#demands, deadlineAt: clock.now() + RESERVED_MS };
    slots.reserved++;
    this.#out.add(pull);
    this.#reserved.add(pull);
    bus.publish(subject, data, { reply });
  }

  #onAnswer(pull: Pull, message: BusMessage): void {
    const { inbox, slots, take } = this.#options;
    inbox.close(pull.reply);
    this.#release(pull);
    this.#givenUp.delete(pull);
    if (message.noResponders) return this.#onNothing(pull, false);
    if (message.headers()?.['now-signal'] === 'empty') return this.#onNothing(pull, true);
    const parked = take(message);
    if (this.#isStopped) return;
    this.#isWanted = true;
    for (let more = Math.min(slots.free, parked); more > 0; more--) this.#pullAny();
  }

  #onNothing(pull: Pull, isEmpty: boolean): void {
    const { clock, slots, onReleased, onIdle } = this.#options;
    onReleased();
    if (this.#isStopped || slots.free === 0) return;
    if (pull.isDirect || pull.demands !== this.#demands) return this.#pullAny();
    if (isEmpty) {
      clock.after(AGAIN_MS, () => this.onFree());
      return;
    }
    if (this.#out.size > 0) return;
    this.#isWanted = false;
    onIdle();
  }

  #giveUp(pull: Pull): void {
    this.#release(pull);
    this.#givenUp.add(Object.assign(pull, { deadlineAt: this.#options.clock.now() + LATE_MS }));
    this.#options.onReleased();
    if (this.#out.size === 0 && this.#options.slots.free > 0) this.#options.onIdle();
  }

  /** Its slot is no longer reserved. */
  #release(pull: Pull): void {
    if (!this.#out.delete(pull)) return;
    this.#reserved.delete(pull);
    this.#options.slots.reserved--;
    if (this.#out.size === 0) this.#onSettled?.();
  }
}
