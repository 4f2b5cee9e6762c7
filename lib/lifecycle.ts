import type { Logger } from 'pino';

/** Something with a life. `drain` lets work finish and takes no new; `stop` ends it. Both may be called once. */
export interface Part {
  readonly name: string;
  start(): Promise<void> | void;
  drain?(): Promise<void> | void;
  stop(): Promise<void> | void;
}

/**
 * Starts parts in order and ends them in reverse: all are drained, then stopped, each within `limitMs` and
 * logged when it takes longer or fails. When a part does not start, those before it are stopped and it throws.
 */
export class Lifecycle {
  readonly #parts: readonly Part[];
  readonly #log: Logger;
  readonly #started: Part[] = [];
  #ended: Promise<void> | undefined;

  constructor(parts: readonly Part[], log: Logger) {
    this.#parts = parts;
    this.#log = log;
  }

  /** Throws what a part throws; and when `end` or `stop` is called before all have started. */
  async start(): Promise<void> {
    for (const part of this.#parts) {
      try {
        if (this.#ended !== undefined) throw new Error(`ended before ${part.name} was started`);
        await part.start();
        this.#started.push(part);
        if (this.#ended !== undefined) throw new Error(`ended while ${part.name} was started`);
      } catch (error) {
        await this.#stopAll(1000);
        throw error;
      }
    }
  }

  /** Drains and stops everything, the last part first; resolves in any case. Later calls wait for the first. */
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
    for (const part of this.#started.toReversed()) {
      await this.#bounded(part, 'drain', drainMs);
    }
    await this.#stopAll(stopMs);
  }

  async #stopAll(limitMs: number): Promise<void> {
    for (const part of this.#started.splice(0).toReversed()) {
      await this.#bounded(part, 'stop', limitMs);
    }
  }

  async #bounded(part: Part, step: 'drain' | 'stop', limitMs: number): Promise<void> {
    if (part[step] === undefined) return;
    const startedAt = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, limitMs, 'late');
    });
    try {
      const outcome = await Promise.race([part[step](), limit]);
      if (outcome === 'late') this.#log.warn({ part: part.name, step, limitMs }, 'took longer than allowed');
      else this.#log.debug({ part: part.name, step, ms: Math.round(performance.now() - startedAt) }, 'ended');
    } catch (error) {
      this.#log.error({ part: part.name, step, err: error }, 'failed');
    } finally {
      clearTimeout(timer);
    }
  }
}
