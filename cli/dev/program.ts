import type { Logger } from 'pino';
import type { Gateway } from '../../gateway/gateway.ts';
import { type Component, Lifecycle } from '../../lib/lifecycle.ts';
import { findNatsServer, type NatsServer, startNatsServer } from '../../lib/nats-server.ts';
import { WorkerPool } from '../../workers/process/pool.ts';
import type { Environment } from '../command.ts';
import type { DevSettings } from './settings.ts';
import { tryLines } from './try-lines.ts';
import { watchSources } from './watch.ts';

const NATS_PORT = 4222;

/**
 * Starts NATS, then workers and gateway at the same time; `start` resolves when all of them serve. They end in the
 * order gateway, workers, NATS, so that no call is lost.
 */
export class Dev {
  readonly #settings: DevSettings;
  readonly #paths: string[];
  readonly #env: Environment;
  readonly #log: Logger;
  readonly #lifecycle: Lifecycle;
  #natsUrl = '';
  #nats: NatsServer | undefined;
  #pool: WorkerPool | undefined;
  #poolReady: Promise<void> | undefined;
  #gateway: Gateway | undefined;
  #isEnding = false;

  constructor(values: DevSettings, paths: string[], env: Environment, log: Logger) {
    this.#settings = values;
    this.#paths = paths;
    this.#env = env;
    this.#log = log;
    this.#lifecycle = new Lifecycle(
      [
        { name: 'nats-server', start: () => this.#startNats(), stop: () => this.#stopNats() },
        {
          name: 'workers',
          start: () => this.#startPool(),
          drain: () => this.#pool?.drain(),
          stop: () => this.#pool?.stop(),
        },
        {
          name: 'gateway',
          start: () => this.#startGateway(),
          drain: () => this.#gateway?.end(),
          stop: () => this.#gateway?.stop(),
        },
        { name: 'workers ready', start: () => this.#poolReady, stop: () => {} },
        ...(values.watch ? [this.#watchComponent()] : []),
      ],
      log,
    );
  }

  async start(): Promise<void> {
    await this.#lifecycle.start();
    const { host } = this.#settings;
    const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    const baseUrl = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${this.#gateway?.port}`;
    const lines = tryLines(this.#pool?.functions ?? [], baseUrl, this.#paths);
    process.stdout.write(`\n${baseUrl} is ready. Try:\n${lines.map((line) => `  ${line}\n`).join('')}\n`);
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    // A component's own limit comes first; this one is for a component that misses it.
    await this.#lifecycle.end(this.#settings.drainMs + 3000, 3000);
  }

  /** On the usual port if it is free, so that other programs find it, else on any. */
  async #startNats(): Promise<void> {
    const { natsUrl } = this.#settings;
    if (natsUrl !== undefined) {
      this.#natsUrl = natsUrl;
      return;
    }
    const log = this.#log;
    const bin = await findNatsServer({ bin: this.#env.NATS_SERVER_BIN, path: this.#env.PATH, log });
    this.#nats = await startNatsServer({ bin, log, port: NATS_PORT }).catch(() =>
      startNatsServer({ bin, log }),
    );
    this.#natsUrl = this.#nats.url;
    log.info({ url: this.#natsUrl, process: this.#nats.pid }, 'nats-server started');
    void this.#nats.exited.then((exit) => {
      if (!this.#isEnding) log.error(exit, 'nats-server exited; restart dev');
    });
  }

  async #stopNats(): Promise<void> {
    this.#isEnding = true;
    await this.#nats?.stop();
  }

  /** Starts the processes and does not wait for them: the gateway is loaded and started meanwhile. */
  #startPool(): void {
    const { subjectPrefix, slots, group, drainMs, processes, logLevel } = this.#settings;
    this.#pool = new WorkerPool({
      settings: { paths: this.#paths, natsUrl: this.#natsUrl, subjectPrefix, slots, group, drainMs },
      processes,
      log: this.#log,
      childLog: { level: logLevel, pretty: true },
    });
    this.#poolReady = this.#pool.start();
    // It is awaited later, and never when the gateway does not start.
    this.#poolReady.catch(() => {});
  }

  async #startGateway(): Promise<void> {
    const { Gateway } = await import('../../gateway/gateway.ts');
    this.#gateway = new Gateway({ ...this.#settings, natsUrl: this.#natsUrl }, this.#log);
    await this.#gateway.start();
  }

  #watchComponent(): Component {
    let close = () => {};
    return {
      name: 'watch',
      start: () => {
        close = watchSources(this.#paths, () => this.#reload());
      },
      drain: () => close(),
      stop: () => close(),
    };
  }

  async #reload(): Promise<void> {
    try {
      await this.#pool?.restartAll();
      if (!this.#isEnding)
        this.#log.info({ functions: this.#pool?.functions }, 'workers restarted after a change');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error(`workers not restarted, the old ones keep serving: ${reason}`);
    }
  }
}
