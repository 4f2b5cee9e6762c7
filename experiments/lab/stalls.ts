import { sharedNow } from '../harness/clock.mjs';

const LOOK_EVERY_MS = 10;
/** A timer is a little late at all times. */
const MIN_STALL_MS = 5;

/**
 * Notes when this process could not run: a busy machine did not let it, and so neither what it plays nor what it
 * measures says anything about these moments.
 */
export class Stalls {
  readonly #stalls: { readonly from: number; readonly to: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    let last = sharedNow();
    this.#timer = setInterval(() => {
      const now = sharedNow();
      const dueAt = last + LOOK_EVERY_MS;
      if (now - dueAt >= MIN_STALL_MS) this.#stalls.push({ from: dueAt, to: now });
      last = now;
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The longest one, in milliseconds. */
  get longestMs(): number {
    return Math.max(0, ...this.#stalls.map(({ from, to }) => to - from));
  }

  /** For how many milliseconds of a time this process could not run; times of the shared clock. */
  during(from: number, to: number): number {
    return this.#stalls.reduce((sum, stall) => {
      return sum + Math.max(0, Math.min(to, stall.to) - Math.max(from, stall.from));
    }, 0);
  }
}
