import type { Logger } from 'pino';

/** What a worker does with calls. */
export type PhaseName = 'serving' | 'lagging' | 'draining' | 'stopped';

/**
 * The one phase of a worker process. All its functions share it, because what changes it (the event loop, a signal)
 * concerns the process.
 *
 *   serving ◄──► lagging      the event loop is too late to begin a call in time / is in time again
 *      │            │
 *      └─────┬──────┘
 *            ▼
 *        draining             told to leave: it finishes what it has
 *            │
 *            ▼
 *        stopped              has left; from every other phase too
 *
 *              free slots   a gateway's call             a plain requester's call, and what is kept
 *   serving    as counted   begins, is kept, or `busy`   begins when a slot is free
 *   lagging    none         `busy`                       waits
 *   draining   none         `draining`                   begins when fewer calls run than there are slots
 *   stopped    none         (no subscription is left)    as while draining
 */
export class Phase {
  readonly #log: Logger;
  #current: PhaseName = 'serving';

  constructor(log: Logger) {
    this.#log = log;
  }

  get current(): PhaseName {
    return this.#current;
  }

  /** Draining or stopped: there is no way back. */
  get isLeaving(): boolean {
    return this.#current === 'draining' || this.#current === 'stopped';
  }

  lagBegan(): void {
    this.#move('lagging', ['serving']);
  }

  lagEnded(): void {
    this.#move('serving', ['lagging']);
  }

  drainBegan(): void {
    this.#move('draining', ['serving', 'lagging']);
  }

  stopped(): void {
    this.#move('stopped', ['serving', 'lagging', 'draining']);
  }

  #move(to: PhaseName, allowedFrom: readonly PhaseName[]): void {
    const from = this.#current;
    if (!allowedFrom.includes(from)) throw new Error(`a worker that is ${from} cannot be ${to}`);
    this.#current = to;
    this.#log.debug({ from, to }, 'phase');
  }
}
