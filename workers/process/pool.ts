import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import type { Clock } from '../../lib/clock.ts';
import type { Component } from '../../lib/lifecycle.ts';
import { type ChildExit, forkChild } from '../../lib/pool-child.ts';
import { ProcessPool } from '../../lib/process-pool.ts';
import {
  type ChildReady,
  type ChildSettings,
  childReadySchema,
  type RuntimeSettings,
} from './child-messages.ts';

/** What a pool needs. */
export interface WorkerPoolOptions {
  readonly settings: RuntimeSettings;
  readonly processes: number;
  /** The pool's own log. */
  readonly log: Logger;
  /** How the processes log, to this process's standard output. */
  readonly childLog: ChildSettings['log'];
  /** Program of one process; `child` beside this file by default. */
  readonly entry?: string;
  readonly clock?: Clock;
  readonly onReady?: (pid: number | undefined, ready: ChildReady) => void;
  readonly onExit?: (exit: ChildExit) => void;
}

// The build keeps the layout and changes the extension, so the entry has that of this very file.
const ENTRY = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
/** How long a drained process may take beyond its own limit before it is killed. */
const KILL_AFTER_DRAIN_MS = 1000;

/** Keeps a number of worker processes alive, which serve the same functions. */
export class WorkerPool implements Component {
  readonly name = 'workers';
  readonly #log: Logger;
  readonly #pool: ProcessPool<ChildReady>;

  constructor({ settings, childLog, entry = ENTRY, onReady, onExit, ...options }: WorkerPoolOptions) {
    this.#log = options.log;
    this.#pool = new ProcessPool({
      ...options,
      name: this.name,
      what: 'a worker process',
      spawn: () => forkChild(entry),
      settings: { worker: settings, log: childLog } satisfies ChildSettings,
      readySchema: childReadySchema,
      endLimitMs: settings.drainMs + KILL_AFTER_DRAIN_MS,
      objection: (_child, fresh, old) => loadedBefore(fresh, old),
      onReady: ({ pid }, ready) => onReady?.(pid, ready),
      onExit: (_child, exit) => onExit?.(exit),
    });
  }

  /** Names of the functions that are served. */
  get functions(): string[] {
    return this.#pool.readies[0]?.functions.map(({ name }) => name) ?? [];
  }

  /** Resolves when all processes serve. Throws one line when one cannot, and leaves none behind. */
  async start(): Promise<void> {
    await this.#pool.start();
    for (const { file, reason } of this.#pool.readies[0]?.failed ?? []) {
      this.#log.error({ file, reason }, 'not loaded');
    }
  }

  /**
   * Replaces the processes one after the other, each new one serving before its old one drains. Throws one line
   * and leaves the old ones serving when a new one does not start, or cannot load what the old one could.
   */
  restartAll(): Promise<void> {
    return this.#pool.restartAll();
  }

  /** Every process finishes what it has; resolves when all have ended, by force if need be. */
  drain(): Promise<void> {
    return this.#pool.drain();
  }

  /** Kills what is left; resolves when nothing is. */
  stop(): Promise<void> {
    return this.#pool.stop();
  }
}

/** A file that the old process could load and the fresh one cannot, and why. */
function loadedBefore(fresh: ChildReady, old: ChildReady | undefined): string | undefined {
  const lost = fresh.failed.find(({ file }) => !old?.failed.some((known) => known.file === file));
  return lost && `${lost.file}: ${lost.reason}`;
}
