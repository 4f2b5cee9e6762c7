/**
 * How far each sender's clock is from this one, without any clock being right.
 *
 * A message takes at least no time, so the smallest difference (own wall clock at receipt − sender's wall clock)
 * of the last minutes is the offset, and what a message exceeds it by is its age. Two hosts an hour apart look
 * like two in step, and a message that lay in a buffer while this process was stopped looks as old as it is.
 */
export class ClockOffsets {
  readonly #senders = new Map<string, Window>();

  /** Learns from one message. All times in milliseconds; `now` is monotonic, the others are wall clocks. */
  observe(sender: string, sentWall: number, receivedWall: number, now: number): void {
    this.ageMs(sender, sentWall, receivedWall, now);
  }

  /** How long ago a message was sent, at least 0. Learns from it as well. */
  ageMs(sender: string, sentWall: number, receivedWall: number, now: number): number {
    const difference = receivedWall - sentWall;
    const window = this.#senders.get(sender);
    if (window === undefined) {
      if (this.#senders.size >= MAX_SENDERS) this.#forgetOldest();
      this.#senders.set(sender, { since: now, smallest: difference, before: difference });
      return 0;
    }
    if (now - window.since > WINDOW_MS) {
      window.before = now - window.since > 2 * WINDOW_MS ? difference : window.smallest;
      window.smallest = difference;
      window.since = now;
    } else if (difference < window.smallest) window.smallest = difference;
    return difference - Math.min(window.smallest, window.before);
  }

  #forgetOldest(): void {
    const [oldest] = this.#senders.keys();
    if (oldest !== undefined) this.#senders.delete(oldest);
  }
}

/** The smallest difference of this window, and of the one before it. */
interface Window {
  since: number;
  smallest: number;
  before: number;
}

const WINDOW_MS = 120_000;
const MAX_SENDERS = 10_000;
