import type { Clock } from '../../lib/clock.ts';
import type { Phase } from './phase.ts';

const TICK_MS = 50;
/** An event loop that is this late cannot begin a call in time, nor say so. */
const MAX_LAG_MS = 100;

/** Notices that the event loop is late, or that the whole process was stopped, and moves the phase. */
export class LagWatch {
  readonly #clock: Clock;
  readonly #phase: Phase;
  readonly #onChange: () => void;
  #tickedAt = 0;
  #cancelTicks: (() => void) | undefined;

  /** `onChange` is called when the phase has moved to or from `lagging`. */
  constructor(clock: Clock, phase: Phase, onChange: () => void) {
    this.#clock = clock;
    this.#phase = phase;
    this.#onChange = onChange;
  }

  start(): void {
    this.#tickedAt = this.#clock.now();
    this.#cancelTicks = this.#clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#cancelTicks?.();
  }

  /** To be called before a call is taken: a process that was stopped reads its messages before its timers fire. */
  check(now: number): void {
    if (this.#isLate(now)) this.#note(true);
  }

  #tick(): void {
    const now = this.#clock.now();
    const isLate = this.#isLate(now);
    this.#tickedAt = now;
    this.#note(isLate);
  }

  #isLate(now: number): boolean {
    return now - this.#tickedAt - TICK_MS > MAX_LAG_MS;
  }

  #note(isLate: boolean): void {
    if (isLate && this.#phase.current === 'serving') this.#phase.lagBegan();
    else if (!isLate && this.#phase.current === 'lagging') this.#phase.lagEnded();
    else return;
    this.#onChange();
  }
}
