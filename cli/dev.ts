import { existsSync } from 'node:fs';
import type { Logger } from 'pino';
import { Gateway } from '../gateway/gateway.ts';
import { type Component, Lifecycle } from '../lib/lifecycle.ts';
import { createLogger } from '../lib/log.ts';
import { findNatsServer, type NatsServer, startNatsServer } from '../lib/nats-server.ts';
import { integer, OptionsError, type OptionValues, readOptions, text, toggle } from '../lib/options.ts';
import { WorkerPool } from '../workers/process/pool.ts';
import type { Command, Environment } from './command.ts';
import { checkDeadlines, gatewaySettings } from './gateway.ts';
import { commonSettings, serverList, workerSettings } from './settings.ts';
import { tryLines } from './try-lines.ts';
import { watchSources } from './watch.ts';

const DEFAULT_FOLDERS = ['functions', 'examples'];
const NATS_PORT = 4222;

const settings = {
  ...gatewaySettings,
  ...workerSettings,
  processes: integer({ min: 1, max: 256, fallback: 2, help: 'How many worker processes to run.' }),
  watch: toggle({
    fallback: true,
    help: 'Replace the worker processes when a file beside the functions changes.',
  }),
  ...commonSettings,
  natsUrl: text({
    schema: serverList,
    placeholder: 'url,...',
    fallback: undefined,
    fallbackText: 'a server of its own',
    isSecret: true,
    help: 'NATS servers to use, a comma list; without it, dev starts one (NATS_SERVER_BIN names the program).',
  }),
};

type DevSettings = OptionValues<typeof settings>;

/** `dev`: broker, workers and gateway in one go, for one machine. */
export const devCommand: Command = {
  name: 'dev',
  summary: 'all in one for development: a NATS server, workers and a gateway',
  usage: '[file or folder]...',
  settings,
  prepare(args, env) {
    const { values, positionals } = readOptions(settings, args, env);
    checkDeadlines(values);
    const paths = positionals.length > 0 ? positionals : defaultPaths();
    const missing = paths.find((path) => !existsSync(path));
    if (missing !== undefined) throw new OptionsError(`there is no file or folder ${missing}`);
    const log = createLogger({ service: 'dev', level: values.logLevel, pretty: true, out: process.stdout });
    const dev = new Dev(values, paths, env, log);
    return {
      log,
      start: () => dev.start(),
      end: () => dev.end(),
      // Gateway and workers drain one after the other.
      endLimitMs: 2 * values.drainMs + 15_000,
    };
  },
};

function defaultPaths(): string[] {
  const found = DEFAULT_FOLDERS.find((folder) => existsSync(folder));
  if (found !== undefined) return [found];
  throw new OptionsError(
    `dev needs a file or folder with functions; there is no ${DEFAULT_FOLDERS.join(' and no ')} here`,
  );
}

/** Started in the order NATS, workers, gateway; ended in reverse, so that no call is lost. */
class Dev {
  readonly #settings: DevSettings;
  readonly #paths: string[];
  readonly #env: Environment;
  readonly #log: Logger;
  readonly #lifecycle: Lifecycle;
  #natsUrl = '';
  #nats: NatsServer | undefined;
  #pool: WorkerPool | undefined;
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
    log.info({ url: this.#natsUrl, process: this.#nats.pid }, 'nats-server runs');
    void this.#nats.exited.then((exit) => {
      if (!this.#isEnding) log.error(exit, 'nats-server ended, start dev again');
    });
  }

  async #stopNats(): Promise<void> {
    this.#isEnding = true;
    await this.#nats?.stop();
  }

  async #startPool(): Promise<void> {
    const { subjectPrefix, slots, group, drainMs, processes, logLevel } = this.#settings;
    this.#pool = new WorkerPool({
      settings: { paths: this.#paths, natsUrl: this.#natsUrl, subjectPrefix, slots, group, drainMs },
      processes,
      log: this.#log,
      childLog: { level: logLevel, pretty: true },
    });
    await this.#pool.start();
  }

  async #startGateway(): Promise<void> {
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
        this.#log.info({ functions: this.#pool?.functions }, 'workers replaced after a change');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.error(`workers not replaced, the old ones keep serving: ${reason}`);
    }
  }
}
