import type { Bus } from '../lib/bus.ts';
import type { Clock } from '../lib/clock.ts';
import type { CallError } from '../protocol/call-error.ts';
import { brokerUnavailable, draining, underPressure } from './failures.ts';
import { pressure } from './pressure.ts';

/** How long the broker may be away before the gateway reports itself as not ready. */
const UNREADY_AFTER_MS = 2000;

/**
 * Whether a gateway should get calls: not while it is stopping, has lost NATS, or is short of memory or descriptors.
 * It may be alive all the same, and must not be restarted for that.
 */
export class Readiness {
  readonly #clock: Clock;
  #isDraining = false;
  #lostAt: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(bus: Bus, clock: Clock) {
    this.#clock = clock;
    bus.onConnection((connected) => {
      this.#lostAt = connected ? undefined : clock.now();
    });
  }

  /** Whether `drain` was called. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Not ready from now on. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Why it should get no calls now; undefined when it should. */
  refusal(): CallError | undefined {
    if (this.#isDraining) return draining();
    if (this.#lostAt !== undefined && this.#clock.now() - this.#lostAt > UNREADY_AFTER_MS)
      return brokerUnavailable();
    const full = pressure();
    return full === undefined ? undefined : underPressure(full.resource, full.used / full.limit);
  }
}
