import type { Clock } from '../lib/clock.ts';
import type { Component } from '../lib/lifecycle.ts';

/**
 * What the gateway does when it is full itself: it measures how late its event loop is, and refuses a share of new
 * calls at their head, before their body is read, while that stays above a target.
 *
 * The signal is delay, not processor time, and the least delay of an interval, not the mean: a pause for garbage is no
 * queue, a delay that never goes away is one (Nichols and Jacobson, "Controlling Queue Delay", 2012). The share rises
 * by a part of what is left and falls by a part of itself, so that it settles where the delay is at the target (as in
 * Zhou and others, "Overload Control for Scaling WeChat Microservices", 2018).
 */

const TICK_MS = 20;
/** Ticks in an interval; a late loop has fewer in the same time, and is then judged by those. */
const INTERVAL_MS = 100;
/** Most delay that counts as none. */
const TARGET_MS = 40;
const RISE = 0.15;
const FALL = 0.1;
/** Something is let through whatever happens: without it nothing would show that the overload is over. */
const MAX_SHARE = 0.98;
const NO_SHARE_BELOW = 0.02;
/** With fewer calls than this, a late loop is not the callers' doing. */
const MIN_IN_FLIGHT = 64;

/** See the head of this file. */
export class Overload implements Component {
  readonly name = 'overload';
  readonly #clock: Clock;
  readonly #random: () => number;
  #cancelTick: (() => void) | undefined;
  #tickedAt = 0;
  #latenessMs = 0;
  #leastMs = Number.POSITIVE_INFINITY;
  #intervalEndsAt = 0;
  #share = 0;

  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
  }

  start(): void {
    this.#tickedAt = this.#clock.now();
    this.#intervalEndsAt = this.#tickedAt + INTERVAL_MS;
    this.#cancelTick = this.#clock.every(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#cancelTick?.();
  }

  /**
   * How long a request that is read now may have waited in its socket, in milliseconds: what the event loop is late by.
   * After a stop of the process that is as long as the stop was, whether its timers or its sockets come first.
   */
  get latenessMs(): number {
    return Math.max(this.#latenessMs, this.#clock.now() - this.#tickedAt - TICK_MS, 0);
  }

  /** Share of new calls that are refused at present, 0 to 1. */
  get refusedShare(): number {
    return this.#share;
  }

  /** Whether a new call is refused, when so many are under way. */
  refuses(inFlight: number): boolean {
    return this.#share > 0 && inFlight >= MIN_IN_FLIGHT && this.#random() < this.#share;
  }

  readonly #forgetLateness = (): void => {
    this.#latenessMs = 0;
  };

  #tick(): void {
    const now = this.#clock.now();
    this.#latenessMs = Math.max(0, now - this.#tickedAt - TICK_MS);
    this.#tickedAt = now;
    // Sockets are read right after the timers: what is read later has come later.
    if (this.#latenessMs > 0) setImmediate(this.#forgetLateness);
    this.#leastMs = Math.min(this.#leastMs, this.#latenessMs);
    if (now < this.#intervalEndsAt) return;
    this.#share = next(this.#share, this.#leastMs > TARGET_MS);
    this.#leastMs = Number.POSITIVE_INFINITY;
    this.#intervalEndsAt = now + INTERVAL_MS;
  }
}

function next(share: number, isLate: boolean): number {
  if (isLate) return Math.min(MAX_SHARE, share + RISE * (1 - share));
  const less = share * (1 - FALL);
  return less < NO_SHARE_BELOW ? 0 : less;
}
