import { setTimeout as pause } from 'node:timers/promises';
import { sharedNow } from '../harness/clock.mjs';
import type { LedgerEntry } from '../harness/ledger.ts';
import { until } from '../harness/until.ts';
import type { LabGateway, LabWorker, LabWorkerOptions, Stage } from './stage.ts';
import { Stalls } from './stalls.ts';
import { type LoadSpec, Traffic } from './traffic.ts';

/** How a scene is set up. */
export interface SceneOptions {
  readonly stage: Stage;
  readonly speedUp: number;
  readonly budgetMs: number;
  /** Of every call, instead of the notebook's. */
  readonly body?: string;
  readonly signal: AbortSignal;
}

/** Something that the lab did. */
export interface SceneEvent {
  readonly at: number;
  readonly what: string;
  /** Name of the worker that it was done to. */
  readonly worker?: string;
}

/** What a scenario acts with while a variant is played. Times in its arguments are the notebook's. */
export class Scene {
  readonly stage: Stage;
  readonly traffic: Traffic;
  /** While the scenario acts. */
  readonly stalls = new Stalls();
  readonly budgetMs: number;
  readonly events: SceneEvent[] = [];
  readonly workers: LabWorker[] = [];
  readonly gateways: LabGateway[] = [];
  /** Group of each worker, by name. */
  readonly groups = new Map<string, string>();
  /** When workers were killed, by name. */
  readonly killed = new Map<string, number>();
  readonly #speedUp: number;
  readonly #signal: AbortSignal;

  constructor({ stage, speedUp, signal, budgetMs, body }: SceneOptions) {
    this.stage = stage;
    this.budgetMs = budgetMs;
    this.#speedUp = speedUp;
    this.#signal = signal;
    this.traffic = new Traffic({ budgetMs, signal, ...(body === undefined ? {} : { body }) });
  }

  /** Starts gateways, each with its flags, and workers, all at once; `runMs` is the notebook's time. */
  async set(
    gatewayFlags: readonly (readonly string[])[],
    workers: readonly LabWorkerOptions[],
  ): Promise<void> {
    const [started, serving] = await Promise.all([
      Promise.all(gatewayFlags.map((flags) => this.stage.startGateway(flags))),
      Promise.all(workers.map((options) => this.#startWorker(options))),
    ]);
    this.gateways.push(...started);
    this.workers.push(...serving);
  }

  /** What calls of a gateway are POSTed to; 1 is the first gateway. */
  callUrl(number = 1): string {
    return this.gateway(number).callUrl;
  }

  /** 1 is the first. */
  gateway(number = 1): LabGateway {
    const gateway = this.gateways[number - 1];
    if (gateway === undefined) throw new Error(`this scene has no gateway ${number}`);
    return gateway;
  }

  /** By its name. */
  worker(name: string): LabWorker {
    const worker = this.workers.find((known) => known.name === name);
    if (worker === undefined) throw new Error(`this scene has no worker ${name}`);
    return worker;
  }

  /** Calls through the gateways in turn, at the notebook's pace or another, and waits for the last answer. */
  async load(pace: Omit<LoadSpec, 'urls'> & { urls?: readonly string[] }): Promise<void> {
    await this.startLoad(pace).done;
    this.#signal.throwIfAborted();
  }

  /** The same without waiting. */
  startLoad({ arrivals, durationMs, ...rest }: Omit<LoadSpec, 'urls'> & { urls?: readonly string[] }) {
    const faster = this.#speedUp;
    return this.traffic.start({
      urls: this.gateways.map(({ callUrl }) => callUrl),
      ...rest,
      durationMs: durationMs / faster,
      arrivals:
        arrivals.kind === 'uniform'
          ? { kind: 'uniform', maxMs: arrivals.maxMs / faster }
          : { kind: 'poisson', perSecond: arrivals.perSecond * faster },
    });
  }

  /** Waits. */
  async pause(notebookMs: number): Promise<void> {
    await this.pauseReally(notebookMs / this.#speedUp);
  }

  /** Waits for a time that is not the notebook's, and the same at any speed. */
  async pauseReally(ms: number): Promise<void> {
    await pause(ms, undefined, { signal: this.#signal });
  }

  /** Notes what the lab does to the variant now. */
  note(what: string): void {
    this.events.push({ at: sharedNow(), what });
  }

  /**
   * Sends a signal to a worker, and notes it. SIGTERM goes to the program, as a user sends it; others go to all its
   * processes, as when its host goes.
   */
  signalWorker(name: string, signal: NodeJS.Signals): void {
    const { kind, process } = this.worker(name);
    const at = sharedNow();
    this.events.push({ at, what: `${signal} of ${name}`, worker: name });
    // A plain consumer does nothing special about SIGTERM: it is dead at once.
    if (signal === 'SIGKILL' || (signal === 'SIGTERM' && kind === 'plain')) this.killed.set(name, at);
    if (signal === 'SIGTERM') process.kill(signal);
    else process.killTree(signal);
  }

  /** Asks the ledgers until `read` finds something in them. */
  untilLedger<T>(what: string, limitMs: number, read: (ledger: LedgerEntry[]) => T | undefined): Promise<T> {
    return until(what, limitMs, async () => read(await this.stage.ledger()), this.#signal);
  }

  async #startWorker({ runMs: [minMs, maxMs], ...options }: LabWorkerOptions): Promise<LabWorker> {
    this.groups.set(options.name, options.group ?? 'workers');
    const runMs = [minMs / this.#speedUp, maxMs / this.#speedUp] as const;
    return this.stage.startWorker({ ...options, runMs });
  }
}
