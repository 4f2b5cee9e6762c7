import { extname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { systemClock as clock } from '../../lib/clock.ts';
import { Lifecycle } from '../../lib/lifecycle.ts';
import type { PoolChild } from '../../lib/pool-child.ts';
import { ProcessPool } from '../../lib/process-pool.ts';
import { createAdminApp } from '../app.ts';
import { appServer } from '../app-server.ts';
import type { HttpServer } from '../http/server.ts';
import { memoryLimit } from '../pressure.ts';
import type { GatewaySettings } from '../settings.ts';
import { type ChildReady, type ChildSettings, childReadySchema } from './messages.ts';
import { MetricsSum } from './metrics-sum.ts';
import { PoolReadiness, refusalOf } from './pool-readiness.ts';
import { startSharingPort } from './shared-port.ts';

/** What the processes are made of. */
export interface GatewayProcessesOptions {
  readonly settings: GatewaySettings;
  readonly logLevel: ChildSettings['logLevel'];
  /** At least 2. */
  readonly processes: number;
  /** The parent's own log. */
  readonly log: Logger;
}

// The build keeps the layout and changes the extension, so the entry has that of this very file.
const ENTRY = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
/** How long a process may take to end beyond its `drainMs`: more than it allows itself. */
const KILL_AFTER_DRAIN_MS = 5000;
/** How long a fresh process may take to be ready before it is given up. */
const READY_LIMIT_MS = 10_000;
const READY_POLL_MS = 50;

/**
 * A gateway of several processes that share a port. Each is a gateway of its own on the wire, with its own id. This
 * process, their parent, serves no calls: it starts again what dies, and has the one admin listener.
 */
export class GatewayProcesses {
  readonly #options: GatewayProcessesOptions;
  readonly #pool: ProcessPool<ChildReady>;
  readonly #metrics = new MetricsSum(() => this.#pool.children);
  readonly #readiness = new PoolReadiness(() => this.#pool.children);
  readonly #admin: HttpServer | undefined;
  readonly #lifecycle: Lifecycle;
  #port = 0;
  #started: Promise<void> | undefined;
  #reload: Promise<void> | undefined;
  #isReloadDue = false;

  constructor(options: GatewayProcessesOptions) {
    this.#options = options;
    this.#pool = this.#newPool();
    this.#admin = this.#newAdminServer();
    this.#lifecycle = new Lifecycle(
      this.#admin === undefined ? [this.#pool] : [this.#admin, this.#pool],
      options.log,
    );
  }

  /** The port that all processes listen on; 0 before the start. */
  get port(): number {
    return this.#port;
  }

  /** 0 without an admin server. */
  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  /** Resolves when all processes take calls, with or without a broker. Rejects when a port cannot be had. */
  async start(): Promise<void> {
    this.#started = this.#lifecycle.start();
    await this.#started;
  }

  /**
   * Replaces the processes one after the other: each drains when a fresh one is ready in its place. When a fresh one
   * does not get ready, the old ones stay, which is logged. Called again meanwhile, it does so once more.
   */
  async reload(): Promise<void> {
    this.#isReloadDue = true;
    this.#reload ??= this.#reloadWhileDue().finally(() => {
      this.#reload = undefined;
    });
    await this.#reload;
  }

  /** All processes answer the calls they have and refuse new ones; then it stops. */
  async end(): Promise<void> {
    this.#readiness.drain();
    await this.#lifecycle.end(this.#options.settings.drainMs + KILL_AFTER_DRAIN_MS + 1000);
  }

  async #reloadWhileDue(): Promise<void> {
    const { log } = this.#options;
    while (this.#isReloadDue) {
      this.#isReloadDue = false;
      try {
        await this.#started;
        await this.#pool.restartAll();
        log.info('all processes replaced');
      } catch (error) {
        log.error({ err: error }, 'not all processes replaced, the old ones keep serving');
      }
    }
  }

  #newPool(): ProcessPool<ChildReady> {
    const { settings, processes, log, logLevel } = this.#options;
    const gateway: GatewaySettings = {
      ...settings,
      adminPort: 0,
      // They share the memory too.
      maxParkedBytes: settings.maxParkedBytes ?? Math.floor(memoryLimit() / 16 / processes),
    };
    return new ProcessPool({
      name: 'processes',
      what: 'a gateway process',
      processes,
      log,
      spawn: () => startSharingPort(ENTRY),
      settings: { gateway, logLevel } satisfies ChildSettings,
      readySchema: childReadySchema,
      endLimitMs: settings.drainMs + KILL_AFTER_DRAIN_MS,
      objection: (child) => notReady(child),
      onReady: (child, ready) => this.#onReady(child, ready),
      onExit: (child, { last }) => this.#metrics.end(child, last),
    });
  }

  #onReady({ pid }: PoolChild<ChildReady>, { id, port }: ChildReady): void {
    const { log } = this.#options;
    log.info({ process: pid, id }, 'a gateway process listens');
    // Port 0 stays the same only as long as one process listens there.
    if (this.#port !== 0 && this.#port !== port) log.error({ port }, 'all processes had ended: another port');
    this.#port = port;
  }

  #newAdminServer(): HttpServer | undefined {
    const { settings, log } = this.#options;
    if (settings.adminPort === 0) return undefined;
    const app = createAdminApp({ readiness: this.#readiness, log, metrics: this.#metrics });
    return appServer({ name: 'admin', host: '127.0.0.1', port: settings.adminPort, log, clock, app });
  }
}

/** Waits for a fresh process to be ready; resolves with why it is not. */
async function notReady(child: PoolChild<ChildReady>): Promise<string | undefined> {
  const giveUpAt = clock.now() + READY_LIMIT_MS;
  for (;;) {
    const refusal = await refusalOf(child);
    if (refusal === undefined) return undefined;
    if (clock.now() > giveUpAt) return `the fresh process is not ready: ${refusal.message}`;
    await pause(READY_POLL_MS);
  }
}
