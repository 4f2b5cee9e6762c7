import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type NatsServer, startNatsServer } from '../../lib/nats-server.ts';
import { JOB_VARIABLE, type JobSettings } from './job.ts';
import { type LedgerEntry, readLedgers } from './ledger.ts';
import { StageProcess } from './stage-process.ts';

/** How a stage is set up. */
export interface StageOptions {
  /** Every time is the notebook's divided by this. */
  readonly speedUp: number;
  /** Budget of calls, for the rules of plain workers. */
  readonly budgetMs: number;
  /** Its abort ends everything on the stage. */
  readonly signal: AbortSignal;
  /** Where programs are found: PATH, HOME and NATS_SERVER_BIN of it are used. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A gateway that runs. */
export interface LabGateway {
  readonly process: StageProcess;
  /** Address without a path. */
  readonly url: string;
  /** What its calls are POSTed to. */
  readonly callUrl: string;
}

/** What a plain worker does about a long buffer, see `plain-worker.ts`. */
export type BufferRule = 'keep' | { readonly limit: number } | 'high-water' | 'skip-stale';

/** What worker to start. Times are milliseconds as they run, speed-up included. */
export interface LabWorkerOptions {
  readonly kind: 'ours' | 'plain';
  /** Its name in the ledger. */
  readonly name: string;
  /** Calls at a time, of ours; plain ones have one. Default 1. */
  readonly slots?: number;
  readonly runMs: readonly [min: number, max: number];
  /** Default `workers`. */
  readonly group?: string;
  /** Of plain ones; default `keep`. */
  readonly buffer?: BufferRule;
  /** The stage's broker by default. */
  readonly natsUrl?: string;
  /** Waits before it connects, with everything loaded, until `release` is called. */
  readonly isHeld?: boolean;
}

/** A worker that runs: one process, and of ours its parent too. */
export interface LabWorker {
  readonly name: string;
  readonly kind: 'ours' | 'plain';
  readonly process: StageProcess;
  /** Lets a held worker connect; resolves when it serves. */
  release(): Promise<void>;
}

/** The function that all workers serve. */
export const FUNCTION = 'job';

const READY_LIMIT_MS = 30_000;
const OVER = 'the stage has ended';
const quiet = pino({ level: 'silent' });

/**
 * Everything of one run: a broker, gateways, workers, and a folder with the ledgers. All of it ends with `end`,
 * with the abort of the signal, and with this process.
 */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'now-or-never-lab-'));
  readonly options: StageOptions;
  readonly broker: StageBroker;
  readonly #processes: StageProcess[] = [];
  readonly #onExit = () => {
    for (const process of this.#processes) process.killTree('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  };
  readonly #onAbort = () => void this.end();
  #ended: Promise<void> | undefined;

  /** Starts the broker. */
  static async start(options: StageOptions): Promise<Stage> {
    options.signal.throwIfAborted();
    const stage = new Stage(options);
    try {
      await stage.broker.startAgain();
      return stage;
    } catch (error) {
      await stage.end();
      throw error;
    }
  }

  private constructor(options: StageOptions) {
    this.options = options;
    this.broker = new StageBroker(options.env);
    process.once('exit', this.#onExit);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Starts a gateway on a free port; resolves when it is ready. `flags` are added to those that it needs. */
  async startGateway(flags: readonly string[] = [], { natsUrl = this.broker.url } = {}): Promise<LabGateway> {
    this.#assertOpen();
    const own = ['--nats-url', natsUrl, '--port', '0', '--admin-port', '0', '--log-level', 'debug'];
    const number = this.#processes.filter(({ name }) => name.startsWith('gateway')).length + 1;
    const process = this.#startProgram(`gateway ${number}`, ['gateway', ...own, ...flags]);
    const port = await process.until('is ready', READY_LIMIT_MS, () => {
      const line = process.log().find(({ msg }) => msg === 'ready');
      return line === undefined ? undefined : Number(line.port);
    });
    const url = `http://127.0.0.1:${port}`;
    return { process, url, callUrl: `${url}/functions/${FUNCTION}` };
  }

  /** Starts a worker; resolves when it serves, or, held, when it waits for its release. */
  async startWorker(options: LabWorkerOptions): Promise<LabWorker> {
    this.#assertOpen();
    const { kind, name, isHeld = false } = options;
    const gate = isHeld ? join(this.folder, `${name}.gate`) : undefined;
    const process = kind === 'ours' ? this.#startOurs(options, gate) : this.#startPlain(options, gate);
    const untilItServes = () =>
      process.until('serves', READY_LIMIT_MS, () => isServing(process, kind) || undefined);
    if (isHeld) {
      await process.until('waits', READY_LIMIT_MS, async () =>
        (await this.ledger()).find((entry) => entry.worker === name && entry.kind === 'held'),
      );
    } else await untilItServes();
    return {
      name,
      kind,
      process,
      async release() {
        if (gate !== undefined) await writeFile(gate, '');
        await untilItServes();
      },
    };
  }

  /** Starts `top --json`: each line that it logs is a snapshot. */
  startTop(everyMs: number): StageProcess {
    this.#assertOpen();
    const flags = ['--nats-url', this.broker.url, '--json', '--every-ms', String(everyMs)];
    return this.#startProgram('top', ['top', ...flags]);
  }

  /** What all workers have noted so far, in the order of time. */
  ledger(): Promise<LedgerEntry[]> {
    return readLedgers(this.folder);
  }

  /** Ends everything at once; resolves when nothing of it is left. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  #startOurs(options: LabWorkerOptions, gate: string | undefined): StageProcess {
    const { name, slots = 1, group = 'workers', natsUrl = this.broker.url } = options;
    const args = ['--nats-url', natsUrl, '--slots', String(slots), '--group', group, '--log-level', 'debug'];
    const job = this.#job(options, gate);
    return this.#startProgram(name, ['worker', pathOf('./handler'), ...args], job);
  }

  #startPlain(options: LabWorkerOptions, gate: string | undefined): StageProcess {
    const env = this.#environment(this.#job(options, gate));
    return this.#add(new StageProcess({ name: options.name, module: pathOf('./plain-worker'), env }));
  }

  #startProgram(name: string, args: readonly string[], job?: JobSettings): StageProcess {
    const module = pathOf('./program');
    const env = this.#environment(job);
    return this.#add(new StageProcess({ name, module, args: [pathOf('../../cli/main'), ...args], env }));
  }

  /** Nobody would end what is started after the end. */
  #assertOpen(): void {
    if (this.#ended !== undefined) throw new Error(OVER);
  }

  #add(process: StageProcess): StageProcess {
    this.#processes.push(process);
    return process;
  }

  #job(options: LabWorkerOptions, gate: string | undefined): JobSettings {
    const { name, runMs, group = 'workers', buffer = 'keep', natsUrl = this.broker.url } = options;
    const [minMs, maxMs] = runMs;
    return {
      worker: name,
      ledgerFolder: this.folder,
      minMs,
      maxMs,
      ...(gate === undefined ? {} : { gate }),
      natsUrl,
      group,
      fn: FUNCTION,
      budgetMs: this.options.budgetMs,
      ...(typeof buffer === 'object' ? { buffer: 'limit' as const, bufferLimit: buffer.limit } : { buffer }),
    };
  }

  /** Not the user's whole environment: a SLOTS or PORT in it would be a setting here. */
  #environment(job?: JobSettings): Record<string, string | undefined> {
    const { PATH, HOME, TMPDIR } = this.options.env;
    return { PATH, HOME, TMPDIR, ...(job === undefined ? {} : { [JOB_VARIABLE]: JSON.stringify(job) }) };
  }

  async #end(): Promise<void> {
    this.options.signal.removeEventListener('abort', this.#onAbort);
    await Promise.all(this.#processes.map((process) => process.end()));
    await this.broker.end();
    this.#onExit();
    process.off('exit', this.#onExit);
  }
}

/** The broker of a stage. It keeps its port when it is started again. */
export class StageBroker {
  readonly #env: StageOptions['env'];
  #server: NatsServer | undefined;
  #port: number | undefined;
  #isOver = false;

  constructor(env: StageOptions['env']) {
    this.#env = env;
  }

  get url(): string {
    return this.#running.url;
  }

  get port(): number {
    return this.#running.port;
  }

  get pid(): number {
    return this.#running.pid;
  }

  /** Sends a signal; resolves, after SIGKILL, when it has ended. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    const server = this.#running;
    server.kill(signal);
    if (signal === 'SIGKILL') await server.exited;
  }

  /** Ends it in order. */
  async stop(): Promise<void> {
    // A frozen server takes the signal when it goes on.
    this.#server?.kill('SIGCONT');
    await this.#server?.stop();
  }

  /** Ends it for good: a start that is under way is undone, and fails. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.stop();
  }

  /** Starts it on the port it had; resolves when it takes connections. */
  async startAgain(): Promise<void> {
    await this.#server?.stop();
    const { NATS_SERVER_BIN: bin, PATH: path } = this.#env;
    this.#server = await startNatsServer({ bin, path, port: this.#port, log: quiet });
    this.#port = this.#server.port;
    if (!this.#isOver) return;
    await this.#server.stop();
    throw new Error(OVER);
  }

  get #running(): NatsServer {
    if (this.#server === undefined) throw new Error('the broker of this stage was not started');
    return this.#server;
  }
}

function isServing(process: StageProcess, kind: 'ours' | 'plain'): boolean {
  if (kind === 'plain') return process.isReady;
  const log = process.log();
  const isConnected = log.some(
    ({ service, msg }) => service === 'worker' && msg === 'connected to the broker',
  );
  return isConnected && log.some(({ service, msg }) => service === 'workers' && msg === 'ready');
}

/** Path of a module beside this file. The build keeps the layout and changes the extension. */
function pathOf(module: string): string {
  return fileURLToPath(new URL(`${module}${extname(import.meta.url)}`, import.meta.url));
}
