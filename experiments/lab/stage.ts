import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../cli/command.ts';
import { Broker } from '../harness/broker.ts';
import { type RunningGateway, startGateway } from '../harness/gateway.ts';
import type { BufferRule, JobSettings } from '../harness/job.mjs';
import { type LedgerEntry, readLedgers } from '../harness/ledger.ts';
import { Processes } from '../harness/processes.ts';
import type { RunningProcess } from '../harness/running-process.ts';
import { startOurWorker, startWorker } from '../harness/workers.ts';

/** How a stage is set up. */
export interface StageOptions {
  /** Budget of calls, for the rules of plain workers. */
  readonly budgetMs: number;
  /** Its abort ends everything on the stage. */
  readonly signal: AbortSignal;
  /** Where programs are found: PATH, HOME and NATS_SERVER_BIN of it are used. */
  readonly env: Environment;
}

/** A gateway that runs. */
export interface LabGateway extends RunningGateway {
  /** What its calls are POSTed to. */
  readonly callUrl: string;
}

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
  /** Of plain ones. */
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
  readonly process: RunningProcess;
  /** Lets a held worker connect; resolves when it serves. */
  release(): Promise<void>;
}

/** The function that all workers serve. */
const FUNCTION = 'job';
const READY_LIMIT_MS = 30_000;
/** Everything that the checks look for in logs. */
const LOG_FLAGS = ['--log-level', 'debug'];

/**
 * Everything of one run: a broker, gateways, workers, and a folder with the ledgers. All of it ends with `end`,
 * with the abort of the signal, and with this process.
 */
export class Stage {
  readonly options: StageOptions;
  readonly broker: Broker;
  readonly #processes: Processes;
  readonly #onAbort = () => void this.end();
  #gateways = 0;

  /** Starts the broker. */
  static async start(options: StageOptions): Promise<Stage> {
    const { env, signal } = options;
    signal.throwIfAborted();
    const processes = new Processes(env);
    const onAbort = () => void processes.end();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return new Stage(options, processes, await Broker.start(processes, env));
    } catch (error) {
      await processes.end();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  private constructor(options: StageOptions, processes: Processes, broker: Broker) {
    this.options = options;
    this.broker = broker;
    this.#processes = processes;
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Starts a gateway on a free port; resolves when it is ready. `flags` are added to those that it needs. */
  async startGateway(flags: readonly string[] = [], { natsUrl = this.broker.url } = {}): Promise<LabGateway> {
    const name = `gateway ${++this.#gateways}`;
    const gateway = await startGateway(this.#processes, name, { natsUrl, flags: [...LOG_FLAGS, ...flags] });
    return { ...gateway, callUrl: `${gateway.url}/functions/${FUNCTION}` };
  }

  /** Starts a worker; resolves when it serves, or, held, when it waits for its release. */
  async startWorker(options: LabWorkerOptions): Promise<LabWorker> {
    const { kind, name } = options;
    const job = this.#job(options);
    const process =
      kind === 'ours' ? startOurWorker(this.#processes, job, LOG_FLAGS) : startWorker(this.#processes, job);
    const serves = async () => {
      if (kind === 'plain') await process.message(READY_LIMIT_MS);
      else await process.until('serves', READY_LIMIT_MS, () => isServing(process) || undefined);
    };
    const { gate } = job;
    if (gate === undefined) await serves();
    else {
      await process.until('waits', READY_LIMIT_MS, async () =>
        (await this.ledger()).find((entry) => entry.worker === name && entry.kind === 'held'),
      );
    }
    return {
      name,
      kind,
      process,
      async release() {
        if (gate === undefined) return;
        await writeFile(gate, '');
        await serves();
      },
    };
  }

  /** Starts `top --json`: each line that it logs is a snapshot. */
  startTop(everyMs: number): RunningProcess {
    const args = ['top', '--nats-url', this.broker.url, '--json', '--every-ms', String(everyMs)];
    return this.#processes.program('observer', 'top', { args });
  }

  /** What all workers have noted so far, in the order of time. */
  ledger(): Promise<LedgerEntry[]> {
    return readLedgers(this.#processes.folder);
  }

  /** Ends everything at once; resolves when nothing of it is left. */
  async end(): Promise<void> {
    this.options.signal.removeEventListener('abort', this.#onAbort);
    await this.#processes.end();
  }

  /** A call has a size between 0 and 1, and takes as much of the range. */
  #job(options: LabWorkerOptions): JobSettings {
    const { kind, name, runMs, isHeld = false, natsUrl = this.broker.url } = options;
    const { group = 'workers', slots = 1, buffer = {} } = options;
    const [minMs, maxMs] = runMs;
    const { folder } = this.#processes;
    return {
      worker: name,
      ledgerFolder: folder,
      baseMs: minMs,
      scale: maxMs - minMs,
      gate: isHeld ? join(folder, `${name}.gate`) : undefined,
      subject: kind === 'ours' ? FUNCTION : `now.call.${FUNCTION}`,
      url: natsUrl,
      group,
      slots: kind === 'ours' ? slots : 1,
      budgetMs: this.options.budgetMs,
      buffer,
      isVerbose: true,
    };
  }
}

function isServing(process: RunningProcess): boolean {
  const log = process.log();
  const isConnected = log.some(
    ({ service, msg }) => service === 'worker' && msg === 'connected to the broker',
  );
  return isConnected && log.some(({ service, msg }) => service === 'workers' && msg === 'ready');
}
