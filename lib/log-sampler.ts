import type { Clock } from './clock.ts';

/** How often lines of one kind may be logged. */
const LINES_PER_WINDOW = 20;
const WINDOW_MS = 200;

interface Kind {
  windowEndsAt: number;
  logged: number;
  unlogged: number;
}

/**
 * Lets through the first lines of each kind in a window of 200 ms, 100 a second at most, and counts the others: under
 * overload a line for each refusal costs more than the refusal.
 */
export class LogSampler {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Whether a line of this kind may be logged now: undefined when not, else how many were left out since the last one.
   * `kind` comes from a closed set.
   */
  take(kind: string): number | undefined {
    const now = this.#clock.now();
    let known = this.#kinds.get(kind);
    if (known === undefined) {
      known = { windowEndsAt: now + WINDOW_MS, logged: 0, unlogged: 0 };
      this.#kinds.set(kind, known);
    }
    if (now >= known.windowEndsAt) {
      known.windowEndsAt = now + WINDOW_MS;
      known.logged = 0;
    }
    if (known.logged >= LINES_PER_WINDOW) {
      known.unlogged++;
      return undefined;
    }
    known.logged++;
    const { unlogged } = known;
    known.unlogged = 0;
    return unlogged;
  }
}
