import type { ModelWorker } from './model-worker.ts';
import { FN, type Surroundings } from './parts.ts';

/**
 * No call stays parked while a worker of its group that lives, is connected and serves has a slot that runs nothing.
 *
 * Demand is repeated every 50 ms; a demand, the pull and the answer take a few latencies; a gateway that closes its
 * queue may answer a pull `empty`, which is tried again after 5 ms; this is checked every 10 ms. After a fault a slot
 * may be reserved for another 250 ms (and a sweep of 20) by a pull whose answer was lost, and a stopped worker notices
 * by its ticks of 50 ms that it runs again.
 */
const PROMPT_MS = 50 + 5 + 10 + 5;
const AFTER_FAULT_MS = 250 + 20 + 100;

export class Promptness {
  readonly #world: Surroundings & { readonly workers: readonly ModelWorker[] };
  /** By gateway and group: since when something is parked; by worker: since when a slot runs nothing. */
  readonly #since = new Map<string, number>();
  #faultedAt = Number.NEGATIVE_INFINITY;

  constructor(world: Surroundings & { readonly workers: readonly ModelWorker[] }) {
    this.#world = world;
  }

  /** A fault begins or ends. */
  faulted(): void {
    this.#faultedAt = this.#world.clock.now();
  }

  check(): void {
    const now = this.#world.clock.now();
    const parts = [...this.#world.gateways, ...this.#world.workers];
    if (parts.some(({ host }) => host.delayMs > 0 || host.isBehind)) this.#faultedAt = now;
    const excusedUntil = this.#faultedAt + AFTER_FAULT_MS;
    for (const worker of this.#world.workers) {
      const state = worker.worker.state[FN];
      const isServing = worker.host.isUp && !worker.isLeaving && state !== undefined;
      this.#note(worker.id, isServing && state.running < state.slots, now);
    }
    for (const gateway of this.#world.gateways) {
      for (const group of ['a', 'b']) {
        const queue = [...gateway.dispatcher.queues()].find((one) => one.fn === FN && one.group === group);
        const parked = queue?.size ?? 0;
        const parkedSince = this.#note(`${gateway.id} ${group}`, gateway.host.isUp && parked > 0, now);
        if (parkedSince === undefined) continue;
        for (const { id, plan } of this.#world.workers) {
          const freeSince = plan.group === group ? this.#since.get(id) : undefined;
          if (freeSince === undefined) continue;
          const waitedMs = now - Math.max(freeSince, parkedSince, excusedUntil);
          if (waitedMs > PROMPT_MS) {
            this.#world.ledger.violated(
              `${parked} calls are parked at ${gateway.id} for group ${group} while ${id} has been free for ${waitedMs} ms`,
            );
          }
        }
      }
    }
  }

  #note(what: string, holds: boolean, now: number): number | undefined {
    if (!holds) {
      this.#since.delete(what);
      return undefined;
    }
    const since = this.#since.get(what) ?? now;
    this.#since.set(what, since);
    return since;
  }
}
