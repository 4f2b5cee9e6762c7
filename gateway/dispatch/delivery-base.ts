import type { OpenReply } from '../../lib/inbox.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { Started } from '../../protocol/codes.ts';
import type { CallOutcome } from './contract.ts';

/** The states of both kinds of delivery; call.ts has the diagram. */
export type DeliveryState = 'unplaced' | 'parked' | 'sent' | 'listening' | 'closed';

/** What both kinds of delivery have: a state, which changes in one place, and what is known of `started`. */
export abstract class DeliveryBase {
  /** How long it was parked, in milliseconds. */
  parkedMs = 0;
  /** When it was last sent, in monotonic milliseconds; 0 before. */
  sentAt = 0;
  #state: DeliveryState = 'unplaced';
  #reply: OpenReply | undefined;
  /** What is known of it when it is not at a worker. */
  #started: Started = 'no';

  get state(): DeliveryState {
    return this.#state;
  }

  /** Whether the function can have begun by this delivery. */
  get started(): Started {
    return this.#state === 'sent' || this.#state === 'listening' ? 'unknown' : this.#started;
  }

  /** A reply ended it. */
  answered(outcome: CallOutcome): void {
    this.close(outcome instanceof CallError ? outcome.started : 'yes', ['sent', 'listening']);
  }

  /** It ended without a reply of the function; `failure.started` says whether the function can have begun. */
  failed(failure: CallError): void {
    this.close(failure.started, ['unplaced', 'parked', 'sent', 'listening']);
  }

  /** Nobody is to get it any more: its caller left, or other deliveries took its place. */
  dropped(): void {
    this.close(this.started, ['unplaced', 'parked', 'listening']);
  }

  protected close(started: Started, from: readonly DeliveryState[]): void {
    this.move('closed', from);
    this.#started = started;
  }

  /** The only place where the state changes. `reply` stays open as long as the state needs it. */
  protected move(to: DeliveryState, from: readonly DeliveryState[], reply?: OpenReply): void {
    if (!from.includes(this.#state)) throw new Error(`a ${this.#state} delivery cannot become ${to}`);
    this.#state = to;
    if (to === 'listening' || (to === 'sent' && reply === undefined)) return;
    this.#reply?.close();
    this.#reply = reply;
  }
}
