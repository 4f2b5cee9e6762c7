import type { Bus, BusMessage, BusSubscription } from './bus.ts';
import { randomToken } from './random-token.ts';

/** A reply subject that takes messages until it is closed. */
export interface OpenReply {
  readonly subject: string;
  close(): void;
}

/**
 * All replies to one requester: one wildcard subscription and a Map. It knows no time; who
 * opens a reply subject closes it. What arrives for a closed one is counted and dropped.
 */
export class Inbox {
  readonly #bus: Bus;
  readonly #prefix: string;
  readonly #open = new Map<string, Recipient>();
  #subscription: BusSubscription | undefined;
  /** Messages for reply subjects that were closed before: late replies. */
  late = 0;

  /** `prefix` is the owner's own reply subject up to the last dot: `now.reply.<owner>`. */
  constructor(bus: Bus, prefix: string) {
    this.#bus = bus;
    this.#prefix = `${prefix}.`;
  }

  start(): void {
    this.#subscription = this.#bus.subscribe(`${this.#prefix}*`, (message) => {
      const recipient = this.#open.get(message.subject.slice(this.#prefix.length));
      if (recipient === undefined) this.late++;
      else recipient.receive(message);
    });
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#open.clear();
  }

  /** How many reply subjects are open. */
  get size(): number {
    return this.#open.size;
  }

  /** A new reply subject; `onReply` gets everything that arrives there until `close`. */
  open(onReply: (message: BusMessage) => void): string {
    return this.openFor(undefined, (_, message) => onReply(message)).subject;
  }

  /** The same for `owner`, who is handed to `onReply`, so that no function has to be made for each. */
  openFor<Owner>(owner: Owner, onReply: (owner: Owner, message: BusMessage) => void): OpenReply {
    const replyToken = randomToken();
    const recipient = new OwnedReply(this.#open, this.#prefix, replyToken, owner, onReply);
    this.#open.set(replyToken, recipient);
    return recipient;
  }

  close(replySubject: string): void {
    this.#open.delete(replySubject.slice(this.#prefix.length));
  }
}

interface Recipient {
  receive(message: BusMessage): void;
}

class OwnedReply<Owner> implements OpenReply, Recipient {
  readonly subject: string;
  readonly #open: Map<string, Recipient>;
  readonly #token: string;
  readonly #owner: Owner;
  readonly #onReply: (owner: Owner, message: BusMessage) => void;

  constructor(
    open: Map<string, Recipient>,
    prefix: string,
    token: string,
    owner: Owner,
    onReply: (owner: Owner, message: BusMessage) => void,
  ) {
    this.#open = open;
    this.subject = prefix + token;
    this.#token = token;
    this.#owner = owner;
    this.#onReply = onReply;
  }

  receive(message: BusMessage): void {
    this.#onReply(this.#owner, message);
  }

  close(): void {
    this.#open.delete(this.#token);
  }
}
