import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Inbox } from '../../lib/inbox.ts';
import { decodeJson } from '../../protocol/json.ts';
import { stateSchema } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { EmptiedGroup, Liveness, ProbeTarget } from './liveness.ts';
import type { Sender } from './sender.ts';
import type { WorkerEntry } from './worker-entry.ts';

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
  readonly liveness: Liveness;
  readonly onDeparture: (departure: Departure) => void;
}

/** How often silent workers are looked for. */
const TICK_MS = 100;
/** A worker has so long to answer a probe. */
const PROBE_ANSWER_MS = 500;

/**
 * Listens to the workers' state, says hello so that they send it, and probes whom liveness.ts names. It sends, keeps
 * the time, and reports to liveness.ts, which decides what it means.
 */
export class Prober {
  readonly #options: ProberOptions;
  #states: BusSubscription | undefined;
  #stopTicking: (() => void) | undefined;
  #stopListening: (() => void) | undefined;
  /** Ends each probe that is not answered. */
  readonly #openProbes = new Set<() => void>();

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
    for (const end of this.#openProbes) end();
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
    const targets = liveness.toBeProbed(clock.now());
    if (bus.connected) for (const target of targets) this.#probe(target);
  }

  #probe({ worker, fn }: ProbeTarget): void {
    const { clock, inbox, sender, liveness, onDeparture } = this.#options;
    const reply = inbox.openFor(worker, (_, { noResponders }) => {
      end();
      if (noResponders) onDeparture({ lost: worker, emptied: liveness.probeFoundNobody(worker) });
      else liveness.probeAnswered(worker, clock.now());
    });
    const cancelTimer = clock.after(PROBE_ANSWER_MS, () => {
      end();
      liveness.probeUnanswered(worker);
    });
    const end = (): void => {
      this.#openProbes.delete(end);
      cancelTimer();
      reply.close();
    };
    this.#openProbes.add(end);
    sender.probe(worker.id, fn, reply.subject);
  }
}
