import type { Logger } from 'pino';
import { withTimeout } from './with-timeout.ts';

/** Something with a life. `drain` lets work finish and takes no new; `stop` ends it. Both may be called once. */
export interface Component {
  readonly name: string;
  start(): Promise<void> | void;
  drain?(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/**
 * Starts components in order and ends them in reverse: all are drained, then stopped, each within `limitMs` and
 * logged when it takes longer or fails. When a component does not start, those before it are stopped and it throws.
 */
export class Lifecycle {
  readonly #components: readonly Component[];
  readonly #log: Logger;
  readonly #started: Component[] = [];
  #ended: Promise<void> | undefined;

  constructor(components: readonly Component[], log: Logger) {
    this.#components = components;
    this.#log = log;
  }

  /** Throws what a component throws; and when `end` or `stop` is called before all have started. */
  async start(): Promise<void> {
    for (const component of this.#components) {
      try {
        if (this.#ended !== undefined) throw new Error(`ended before ${component.name} was started`);
        await component.start();
        this.#started.push(component);
        if (this.#ended !== undefined) throw new Error(`ended while ${component.name} was started`);
      } catch (error) {
        await this.#stopAll(1000);
        throw error;
      }
    }
  }

  /** Drains and stops everything, the last component first; resolves in any case. Later calls wait for the first. */
  end(drainMs: number, stopMs = 1000): Promise<void> {
    this.#ended ??= this.#drainAndStop(drainMs, stopMs);
    return this.#ended;
  }

  /** Stops without draining. Nothing to do when `end` or `stop` was called before. */
  stop(limitMs: number): Promise<void> {
    this.#ended ??= this.#stopAll(limitMs);
    return this.#ended;
  }

  async #drainAndStop(drainMs: number, stopMs: number): Promise<void> {
    for (const component of this.#started.toReversed()) {
      await this.#bounded(component, 'drain', drainMs);
    }
    await this.#stopAll(stopMs);
  }

  async #stopAll(limitMs: number): Promise<void> {
    for (const component of this.#started.splice(0).toReversed()) {
      await this.#bounded(component, 'stop', limitMs);
    }
  }

  async #bounded(component: Component, step: 'drain' | 'stop', limitMs: number): Promise<void> {
    if (component[step] === undefined) return;
    const log = this.#log.child({ component: component.name, step });
    const startedAt = performance.now();
    try {
      const outcome = await withTimeout(component[step](), limitMs, () => 'late' as const);
      if (outcome === 'late') log.warn({ limitMs }, 'took longer than allowed');
      else log.debug({ ms: Math.round(performance.now() - startedAt) }, 'ended');
    } catch (error) {
      log.error({ err: error }, 'failed');
    }
  }
}
