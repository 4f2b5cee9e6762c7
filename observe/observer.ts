import type { Bus, BusSubscription } from '../lib/bus.ts';
import type { Clock } from '../lib/clock.ts';
import { Inbox } from '../lib/inbox.ts';
import { discoverySubject, statsResponseSchema } from '../protocol/discovery.ts';
import { decodeJson } from '../protocol/json.ts';
import { demandSchema, type FunctionState, stateSchema } from '../protocol/state.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { type Counters, RateMeter } from './rate-meter.ts';
import type { FunctionSnapshot, Rates, SlotCounts, Snapshot, WorkerSnapshot } from './snapshot.ts';

/** What an observer needs. */
export interface ObserverOptions {
  /** One subject token, unlike that of any gateway and worker. */
  id: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
}

/** A gateway repeats its demand every 250 ms at least; after two that are missing nothing is parked there. */
const DEMAND_HOLDS_MS = 600;
/** A worker that was not seen for so long is forgotten. */
const FORGOTTEN_AFTER_MS = 10_000;

interface SeenWorker {
  lastSeenAt: number;
  isDraining: boolean;
  functions: Readonly<Record<string, FunctionState>>;
}

interface SeenDemand {
  readonly fn: string;
  readonly group: string;
  /** By gateway. */
  readonly parked: Map<string, { count: number; at: number }>;
}

/**
 * Knows what all gateways and workers do from what they publish on NATS: each worker its state twice a second, each
 * gateway its demand while calls are parked in it. Rates come from the statistics that workers return when they are
 * asked (ADR-32). It publishes nothing else, and calls do not pass through it.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #inbox: Inbox;
  readonly #workers = new Map<string, SeenWorker>();
  readonly #demands = new Map<string, SeenDemand>();
  /** By worker and function. Statistics may come before a worker's first state. */
  readonly #meters = new Map<string, RateMeter>();
  readonly #subscriptions: BusSubscription[] = [];
  #asked: string | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#inbox = new Inbox(options.bus, options.subjects.replies(options.id));
  }

  /** Listens from now on. */
  start(): void {
    const { bus, subjects } = this.#options;
    this.#inbox.start();
    const statePrefix = subjects.state('').length;
    const demandPrefix = subjects.demand('', '').length - 1;
    this.#subscriptions.push(
      bus.subscribe(subjects.state('*'), ({ subject, data }) =>
        this.#onState(subject.slice(statePrefix), data),
      ),
      bus.subscribe(subjects.demand('*', '*'), ({ subject, data }) => {
        const [fn, group] = subject.slice(demandPrefix).split('.');
        if (fn !== undefined && group !== undefined) this.#onDemand(fn, group, data);
      }),
    );
  }

  /** Listens no more. */
  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#inbox.stop();
  }

  /** Asks all workers for their statistics; later snapshots have the rates. Does nothing without a connection. */
  ask(): void {
    const { bus } = this.#options;
    if (!bus.connected) return;
    if (this.#asked !== undefined) this.#inbox.close(this.#asked);
    this.#asked = this.#inbox.open(({ data, noResponders }) => {
      if (!noResponders) this.#onStats(data);
    });
    bus.publish(discoverySubject('STATS'), new Uint8Array(0), { reply: this.#asked });
  }

  /** All that is known now. */
  snapshot(): Snapshot {
    const { bus, clock } = this.#options;
    const now = clock.now();
    this.#forget(now);
    const keys = new Map<string, [fn: string, group: string]>();
    for (const { functions } of this.#workers.values()) {
      for (const [fn, { group }] of Object.entries(functions)) keys.set(keyOf(fn, group), [fn, group]);
    }
    for (const { fn, group } of this.#demands.values()) keys.set(keyOf(fn, group), [fn, group]);
    return {
      at: new Date(clock.wall()).toISOString(),
      isConnected: bus.connected,
      functions: [...keys]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, [fn, group]]) => this.#functionSnapshot(fn, group, now)),
    };
  }

  #onState(worker: string, data: Uint8Array): void {
    const state = decodeJson(stateSchema, data);
    if (state === undefined) return;
    if (state.bye === true) {
      this.#workers.delete(worker);
      return;
    }
    const seen: SeenWorker = this.#workers.get(worker) ?? {
      lastSeenAt: 0,
      isDraining: false,
      functions: {},
    };
    seen.lastSeenAt = this.#options.clock.now();
    seen.isDraining = state.draining === true;
    // Between its regular messages a worker reports only what turned idle.
    seen.functions = { ...seen.functions, ...state.functions };
    this.#workers.set(worker, seen);
  }

  #onDemand(fn: string, group: string, data: Uint8Array): void {
    const demand = decodeJson(demandSchema, data);
    if (demand === undefined) return;
    const key = keyOf(fn, group);
    const seen = this.#demands.get(key) ?? { fn, group, parked: new Map() };
    seen.parked.set(demand.gateway, { count: demand.parked, at: this.#options.clock.now() });
    this.#demands.set(key, seen);
  }

  /** Other services than ours answer too: those report no state, and are not shown. */
  #onStats(data: Uint8Array): void {
    const stats = decodeJson(statsResponseSchema, data);
    const [endpoint] = stats?.endpoints ?? [];
    if (stats === undefined || endpoint === undefined) return;
    const { busy, expired, cancelled } = endpoint.data;
    const counters: Counters = {
      done: endpoint.num_requests,
      errors: endpoint.num_errors,
      busy,
      expired,
      cancelled,
    };
    const key = keyOf(stats.id, stats.name);
    const meter = this.#meters.get(key) ?? new RateMeter();
    this.#meters.set(key, meter);
    meter.add(this.#options.clock.now(), counters);
  }

  #forget(now: number): void {
    for (const [id, { lastSeenAt }] of this.#workers) {
      if (now - lastSeenAt > FORGOTTEN_AFTER_MS) this.#workers.delete(id);
    }
    for (const [key, meter] of this.#meters) if (meter.isStale(now)) this.#meters.delete(key);
    for (const [key, { parked }] of this.#demands) {
      for (const [gateway, { at }] of parked) if (now - at > DEMAND_HOLDS_MS) parked.delete(gateway);
      if (parked.size === 0) this.#demands.delete(key);
    }
  }

  #functionSnapshot(fn: string, group: string, now: number): FunctionSnapshot {
    const workers = this.#workerSnapshots(fn, group, now);
    const demand = this.#demands.get(keyOf(fn, group))?.parked ?? new Map();
    const gateways = [...demand].map(([gateway, { count }]) => ({ gateway, parked: count }));
    return {
      function: fn,
      group,
      ...sumOf(workers),
      parked: gateways.reduce((sum, { parked }) => sum + parked, 0),
      gateways,
      perSecond: ratesOf(workers),
      workers,
    };
  }

  #workerSnapshots(fn: string, group: string, now: number): WorkerSnapshot[] {
    const views: WorkerSnapshot[] = [];
    for (const [worker, { functions, lastSeenAt, isDraining }] of this.#workers) {
      const state = functions[fn];
      if (state === undefined || state.group !== group) continue;
      const { slots, free, running, buffered, serviceMs } = state;
      const silentMs = Math.round(now - lastSeenAt);
      const perSecond = this.#meters.get(keyOf(worker, fn))?.rates ?? null;
      views.push({ worker, slots, free, running, buffered, silentMs, isDraining, serviceMs, perSecond });
    }
    return views.sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }
}

/** Two subject tokens; neither has a dot. */
function keyOf(first: string, second: string): string {
  return `${first}.${second}`;
}

function sumOf(workers: readonly WorkerSnapshot[]): SlotCounts {
  const sum = { slots: 0, free: 0, running: 0, buffered: 0 };
  for (const { slots, free, running, buffered } of workers) {
    sum.slots += slots;
    sum.free += free;
    sum.running += running;
    sum.buffered += buffered;
  }
  return sum;
}

/** Their sum; null while one of them is not known. */
function ratesOf(workers: readonly WorkerSnapshot[]): Rates | null {
  const sum = { done: 0, errors: 0, busy: 0, expired: 0, cancelled: 0 };
  for (const { perSecond } of workers) {
    if (perSecond === null) return null;
    sum.done += perSecond.done;
    sum.errors += perSecond.errors;
    sum.busy += perSecond.busy;
    sum.expired += perSecond.expired;
    sum.cancelled += perSecond.cancelled;
  }
  return sum;
}
