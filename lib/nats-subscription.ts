import type { BusMessage, BusSubscription } from './bus.ts';
import { FLUSH_LIMIT_MS, type Link, type LinkSubscription } from './nats-link.ts';

/** A subscription of the bus: on each link that it is attached to, one of the client. */
export class NatsSubscription implements BusSubscription {
  readonly #subject: string;
  readonly #queue: string | undefined;
  readonly #deliver: (message: BusMessage, link: Link) => void;
  readonly #onEnded: () => void;
  readonly #attached = new Map<Link, LinkSubscription>();
  #drained: Promise<void> | undefined;

  constructor(
    subject: string,
    queue: string | undefined,
    deliver: (message: BusMessage, link: Link) => void,
    onEnded: () => void,
  ) {
    this.#subject = subject;
    this.#queue = queue;
    this.#deliver = deliver;
    this.#onEnded = onEnded;
  }

  /** Does nothing where it is attached already and was not refused. */
  attach(link: Link): void {
    if (this.#attached.get(link)?.isClosed() === false) return;
    const deliver = (message: BusMessage) => this.#deliver(message, link);
    this.#attached.set(link, link.subscribe(this.#subject, this.#queue, deliver));
  }

  /** Leaves the link after what is on the way. */
  async detach(link: Link, limitMs: number): Promise<void> {
    await this.#attached.get(link)?.drain(limitMs);
    this.#attached.delete(link);
  }

  /** For a link that is closed. */
  forget(link: Link): void {
    this.#attached.delete(link);
  }

  drain(): Promise<void> {
    this.#onEnded();
    this.#drained ??= Promise.all(
      [...this.#attached.keys()].map((link) => this.detach(link, FLUSH_LIMIT_MS)),
    ).then(() => undefined);
    return this.#drained;
  }

  unsubscribe(): void {
    this.#onEnded();
    for (const one of this.#attached.values()) if (!one.isClosed()) one.unsubscribe();
    this.#attached.clear();
  }
}
