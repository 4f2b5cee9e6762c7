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
import type { RuntimeSettings } from './child-messages.ts';

/** How long the start waits for the broker. */
const CONNECT_WAIT_MS = 2000;

/** What runs in a worker process: the functions, their executor, and the worker that serves them on NATS. */
export class WorkerRuntime {
  readonly id = `w-${randomToken()}`;
  readonly #settings: RuntimeSettings;
  readonly #log: Logger;
  #lifecycle: Lifecycle | undefined;
  functions: { name: string; slots: number }[] = [];
  /** Handler files that could not be loaded; the others serve. */
  failed: { file: string; reason: string }[] = [];

  constructor(settings: RuntimeSettings, log: Logger) {
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
    const executorComponent = {
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
    this.#lifecycle = new Lifecycle([bus, executorComponent, connection, worker], log);
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
