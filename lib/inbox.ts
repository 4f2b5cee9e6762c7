import type { Bus, BusMessage, BusSubscription } from './bus.ts';
import { randomToken } from './random-token.ts';

/** A reply subject that takes messages until it is closed. */
export interface OpenReply {
  readonly subject: string;
  close(): void;
}

/** Takes the messages that arrive for one reply subject. */
export type OnReply = (message: BusMessage) => void;

/**
 * All replies to one requester: one wildcard subscription and a Map. It knows no time; who
 * opens a reply subject closes it. What arrives for a closed one is counted and dropped.
 */
export class Inbox {
  readonly #bus: Bus;
  readonly #prefix: string;
  readonly #open = new Map<string, OnReply>();
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
      const onReply = this.#open.get(message.subject.slice(this.#prefix.length));
      if (onReply === undefined) this.late++;
      else onReply(message);
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
  open(onReply: OnReply): string {
    const replyToken = randomToken();
    this.#open.set(replyToken, onReply);
    return this.#prefix + replyToken;
  }

  /** As `open`, as something that can be closed by itself. */
  openReply(onReply: OnReply): OpenReply {
    const subject = this.open(onReply);
    return { subject, close: () => this.close(subject) };
  }

  close(replySubject: string): void {
    this.#open.delete(replySubject.slice(this.#prefix.length));
  }
}
