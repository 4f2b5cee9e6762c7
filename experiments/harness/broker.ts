import { pino } from 'pino';
import type { Environment } from '../../cli/command.ts';
import { freePort } from '../../lib/free-port.ts';
import { type NatsServer, startNatsServer } from '../../lib/nats-server.ts';
import type { Processes } from './processes.ts';

/** A NATS server of a run. It keeps its ports when it is started again. */
export class Broker {
  readonly #env: Environment;
  readonly #config: string;
  #server: NatsServer | undefined;
  #port: number | undefined;
  #monitorPort: number | undefined;
  #isOver = false;

  /**
   * Starts one that ends with the processes. NATS_SERVER_BIN and PATH of `env` say where the program is. One that is
   * not monitored has no figures. `config` is added to its configuration.
   */
  static async start(
    processes: Processes,
    env: Environment,
    { isMonitored = false, config = '' } = {},
  ): Promise<Broker> {
    const broker = new Broker(env, config);
    processes.adopt(
      'broker',
      () => broker.#server?.pid ?? Number.NaN,
      () => broker.#end(),
    );
    if (isMonitored) broker.#monitorPort = await freePort();
    await broker.startAgain();
    return broker;
  }

  private constructor(env: Environment, config: string) {
    this.#env = env;
    this.#config = config;
  }

  get url(): string {
    return this.#running.url;
  }

  get port(): number {
    return this.#running.port;
  }

  /** Where other servers of its cluster connect; undefined when its configuration has none. */
  get clusterPort(): number | undefined {
    return this.#running.clusterPort;
  }

  /** Sends a signal; resolves, after SIGKILL, when it has ended. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const server = this.#running;
    server.kill(signal);
    if (signal === 'SIGKILL') await server.exited;
  }

  /** Starts it on the port it had; resolves when it takes connections. */
  async startAgain(): Promise<void> {
    await this.#server?.stop();
    const { NATS_SERVER_BIN: bin, PATH: path } = this.#env;
    const monitor = this.#monitorPort === undefined ? '' : `http: "127.0.0.1:${this.#monitorPort}"`;
    const server = await startNatsServer({
      bin,
      path,
      port: this.#port,
      config: `${this.#config}\n${monitor}`,
      log: pino({ level: 'silent' }),
    });
    this.#server = server;
    this.#port = server.port;
    if (!this.#isOver) return;
    await server.stop();
    throw new Error('the run has ended');
  }

  /** A figure of its monitoring endpoint `/varz`: `version`, `connections`, `in_msgs`, ... */
  async figure(name: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.#monitorPort}/varz`);
    const figures: unknown = await response.json();
    return typeof figures === 'object' && figures !== null ? Reflect.get(figures, name) : undefined;
  }

  /** Messages that went in and out so far. */
  async messages(): Promise<number> {
    return Number(await this.figure('in_msgs')) + Number(await this.figure('out_msgs'));
  }

  /** Ends it for good: a start that is under way is undone, and fails. */
  async #end(): Promise<void> {
    this.#isOver = true;
    // A frozen server takes the signal when it goes on.
    this.#server?.kill('SIGCONT');
    await this.#server?.stop();
  }

  get #running(): NatsServer {
    if (this.#server === undefined) throw new Error('the broker of this run was not started');
    return this.#server;
  }
}
