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

  constructor(parts: readonly Part[], log: Logger) {
    this.#parts = parts;
    this.#log = log;
  }

  async start(): Promise<void> {
    for (const part of this.#parts) {
      try {
        await part.start();
        this.#started.push(part);
      } catch (error) {
        await this.stop(1000);
        throw error;
      }
    }
  }

  /** Drains and stops everything, the last part first; resolves in any case. */
  async end(drainMs: number, stopMs = 1000): Promise<void> {
    for (const part of this.#started.toReversed()) {
      await this.#bounded(part, 'drain', drainMs);
    }
    await this.stop(stopMs);
  }

  async stop(limitMs: number): Promise<void> {
    for (const part of this.#started.splice(0).toReversed()) {
      await this.#bounded(part, 'stop', limitMs);
    }
  }

  async #bounded(part: Part, step: 'drain' | 'stop', limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<'late'>((resolve) => {
      timer = setTimeout(resolve, limitMs, 'late');
    });
    try {
      const outcome = await Promise.race([part[step]?.(), limit]);
      if (outcome === 'late') this.#log.warn({ part: part.name, step, limitMs }, 'took longer than allowed');
    } catch (error) {
      this.#log.error({ part: part.name, step, err: error }, 'failed');
    } finally {
      clearTimeout(timer);
    }
  }
}
