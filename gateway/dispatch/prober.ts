import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { decodeJson } from '../../protocol/json.ts';
import { stateSchema } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { type EmptiedGroup, type Liveness, PROBE_ANSWER_MS, TICK_MS } from './liveness.ts';
import type { Sender } from './sender.ts';
import type { WorkerEntry, WorkerTable } from './worker-table.ts';

/** A worker left the table. */
export interface Departure {
  /** It is gone without a word: what it held is lost. Undefined when it said bye. */
  readonly lost: WorkerEntry | undefined;
  readonly emptied: readonly EmptiedGroup[];
}

export interface ProberOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly inbox: Inbox;
  readonly sender: Sender;
  readonly table: WorkerTable;
  readonly liveness: Liveness;
  readonly onDeparture: (departure: Departure) => void;
}

/** Listens to the workers' state, says hello so that they send it, and probes whom liveness names. */
export class Prober {
  readonly #options: ProberOptions;
  #states: BusSubscription | undefined;
  #stopTicking: (() => void) | undefined;
  #stopListening: (() => void) | undefined;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, clock, subjects } = this.#options;
    this.#states = bus.subscribe(subjects.state('*'), (message) => this.#onState(message));
    this.#stopListening = bus.onConnection((isConnected) => this.#onConnection(isConnected));
    if (bus.connected) this.#onConnection(true);
    this.#stopTicking = clock.every(TICK_MS, () => this.#onTick());
  }

  stop(): void {
    this.#stopTicking?.();
    this.#stopListening?.();
    this.#states?.unsubscribe();
  }

  #onState({ subject, data }: BusMessage): void {
    const { clock, subjects, liveness, onDeparture } = this.#options;
    const state = decodeJson(stateSchema, data);
    if (state === undefined) return;
    const worker = subject.slice(subjects.state('').length);
    const emptied = liveness.stateReceived(worker, state, clock.now());
    if (emptied.length > 0) onDeparture({ lost: undefined, emptied });
  }

  #onConnection(isConnected: boolean): void {
    const { clock, liveness, sender } = this.#options;
    if (!isConnected) return liveness.disconnected();
    liveness.connected(clock.now());
    sender.hello();
  }

  #onTick(): void {
    const { bus, clock, liveness } = this.#options;
    const silent = liveness.toBeProbed(clock.now());
    if (bus.connected) for (const worker of silent) this.#probe(worker);
  }

  #probe(worker: WorkerEntry): void {
    const { clock, inbox, sender, table } = this.#options;
    const [fn] = worker.endpoints.keys();
    if (fn === undefined) return this.#depart(worker, undefined);
    table.probed(worker, clock.now());
    const reply = inbox.openFor(worker, (_, { noResponders }) => {
      end();
      if (noResponders) this.#depart(worker, worker);
      else table.answered(worker, clock.now());
    });
    const cancelTimer = clock.after(PROBE_ANSWER_MS, () => {
      end();
      table.frozen(worker);
    });
    const end = (): void => {
      cancelTimer();
      reply.close();
    };
    sender.probe(worker.id, fn, reply.subject);
  }

  #depart({ id }: WorkerEntry, lost: WorkerEntry | undefined): void {
    this.#options.onDeparture({ lost, emptied: this.#options.liveness.forget(id) });
  }
}
