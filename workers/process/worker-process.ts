import type { Logger } from 'pino';
import { awaitConnection } from '../../lib/await-connection.ts';
import { systemClock } from '../../lib/clock.ts';
import { Lifecycle } from '../../lib/lifecycle.ts';
import { NatsBus } from '../../lib/nats.ts';
import { randomToken } from '../../lib/random-token.ts';
import { Subjects } from '../../protocol/subjects.ts';
import { loadFunctions } from '../load/load.ts';
import { Executor } from '../run/execute.ts';
import { Worker } from '../serve/worker.ts';

/** What one worker process is told. */
export interface WorkerSettings {
  /** Handler files and folders. */
  paths: string[];
  /** Comma list. */
  natsUrl: string;
  subjectPrefix: string;
  /** Overrides the slots of every function. */
  slots: number | undefined;
  /** Queue group of functions that name none. */
  group: string;
  drainMs: number;
}

/** How long the start waits for the broker. */
const CONNECT_WAIT_MS = 2000;

/** One process's worker: its functions, their executor, and its place on NATS. */
export class WorkerProcess {
  readonly id = `w-${randomToken()}`;
  readonly #settings: WorkerSettings;
  readonly #log: Logger;
  #lifecycle: Lifecycle | undefined;
  functions: { name: string; slots: number }[] = [];
  /** Handler files that could not be loaded; the others serve. */
  failed: { file: string; reason: string }[] = [];

  constructor(settings: WorkerSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
  }

  /** Loads the functions and begins to serve; does not wait for the broker. */
  async start(): Promise<void> {
    const { paths, natsUrl, subjectPrefix, slots, group } = this.#settings;
    const log = this.#log;
    const { functions, failed } = await loadFunctions(paths, { log, slots });
    this.functions = functions.map((fn) => ({ name: fn.name, slots: fn.slots }));
    this.failed = failed;
    const bus = new NatsBus({ servers: natsUrl, name: this.id, log });
    const executor = new Executor({ clock: systemClock, log });
    const worker = new Worker({
      id: this.id,
      group,
      functions,
      bus,
      clock: systemClock,
      log,
      subjects: new Subjects(subjectPrefix),
      run: (fn, invocation) => executor.run(fn, invocation),
    });
    const executorPart = {
      name: 'executor',
      start: async () => {
        await Promise.all(functions.map((fn) => executor.prepare(fn)));
      },
      stop: () => executor.close(),
    };
    const connection = {
      name: 'connection',
      start: () => awaitConnection(bus, systemClock, CONNECT_WAIT_MS),
      stop: () => {},
    };
    this.#lifecycle = new Lifecycle([bus, executorPart, connection, worker], log);
    await this.#lifecycle.start();
  }

  /** Answers what it has, takes nothing new, then leaves; at most `drainMs` plus a second. */
  async end(): Promise<void> {
    await this.#lifecycle?.end(this.#settings.drainMs);
  }

  /** Leaves at once. */
  async stop(): Promise<void> {
    await this.#lifecycle?.stop(1000);
  }
}
