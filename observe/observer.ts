import type { Bus, BusSubscription } from '../lib/bus.ts';
import type { Clock } from '../lib/clock.ts';
import { Inbox } from '../lib/inbox.ts';
import { discoverySubject, statsResponseSchema } from '../protocol/discovery.ts';
import { decodeJson } from '../protocol/json.ts';
import { demandSchema, type FunctionState, stateSchema } from '../protocol/state.ts';
import type { Subjects } from '../protocol/subjects.ts';
import { type Counters, Pace } from './pace.ts';
import type { Counts, FunctionView, Rates, Snapshot, WorkerView } from './snapshot.ts';

/**
 * Sees what all gateways and workers do by what they tell each other on NATS: each worker its state twice a second,
 * each gateway its demand while calls wait in it. Rates come from the statistics that workers give when they are
 * asked (ADR-32). It sends nothing else, and is no part of the way of any call.
 */
export interface ObserverOptions {
  /** One subject token, unlike that of any gateway and worker. */
  id: string;
  bus: Bus;
  clock: Clock;
  subjects: Subjects;
}

/** A gateway repeats its demand every 250 ms at least; after two that did not come nothing waits there. */
const DEMAND_HOLDS_MS = 600;
/** A worker that was not heard for so long is taken out. */
const FORGOTTEN_AFTER_MS = 10_000;

interface SeenWorker {
  heardAt: number;
  isDraining: boolean;
  functions: Readonly<Record<string, FunctionState>>;
}

interface SeenDemand {
  readonly fn: string;
  readonly group: string;
  /** By gateway. */
  readonly parked: Map<string, { count: number; at: number }>;
}

export class Observer {
  readonly #options: ObserverOptions;
  readonly #inbox: Inbox;
  readonly #workers = new Map<string, SeenWorker>();
  readonly #demands = new Map<string, SeenDemand>();
  /** By worker and function. Statistics may come before a worker's first state. */
  readonly #paces = new Map<string, Pace>();
  readonly #subscriptions: BusSubscription[] = [];
  #asked: string | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#inbox = new Inbox(options.bus, options.subjects.replies(options.id));
  }

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

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#inbox.stop();
  }

  /** Asks all workers for their statistics; the rates of later snapshots come from the answers. */
  ask(): void {
    const { bus } = this.#options;
    if (!bus.connected) return;
    if (this.#asked !== undefined) this.#inbox.close(this.#asked);
    this.#asked = this.#inbox.open(({ data, noResponders }) => {
      if (!noResponders) this.#onStats(data);
    });
    bus.publish(discoverySubject('STATS'), new Uint8Array(0), { reply: this.#asked });
  }

  snapshot(): Snapshot {
    const { bus, clock } = this.#options;
    const now = clock.now();
    this.#forget(now);
    const keys = new Map<string, [fn: string, group: string]>();
    for (const { functions } of this.#workers.values()) {
      for (const [fn, { group }] of Object.entries(functions)) keys.set(`${fn}.${group}`, [fn, group]);
    }
    for (const { fn, group } of this.#demands.values()) keys.set(`${fn}.${group}`, [fn, group]);
    return {
      at: new Date(clock.wall()).toISOString(),
      isConnected: bus.connected,
      functions: [...keys]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([, [fn, group]]) => this.#functionView(fn, group, now)),
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
      heardAt: 0,
      isDraining: false,
      functions: {},
    };
    seen.heardAt = this.#options.clock.now();
    seen.isDraining = state.draining === true;
    // Between its regular messages a worker tells only what turned idle.
    seen.functions = { ...seen.functions, ...state.functions };
    this.#workers.set(worker, seen);
  }

  #onDemand(fn: string, group: string, data: Uint8Array): void {
    const demand = decodeJson(demandSchema, data);
    if (demand === undefined) return;
    const key = `${fn}.${group}`;
    const seen = this.#demands.get(key) ?? { fn, group, parked: new Map() };
    seen.parked.set(demand.gateway, { count: demand.parked, at: this.#options.clock.now() });
    this.#demands.set(key, seen);
  }

  /** Other services than ours answer too: those tell no state, and are not shown. */
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
    const key = `${stats.id}.${stats.name}`;
    const pace = this.#paces.get(key) ?? new Pace();
    this.#paces.set(key, pace);
    pace.add(this.#options.clock.now(), counters);
  }

  #forget(now: number): void {
    for (const [id, { heardAt }] of this.#workers) {
      if (now - heardAt > FORGOTTEN_AFTER_MS) this.#workers.delete(id);
    }
    for (const [key, pace] of this.#paces) if (pace.isStale(now)) this.#paces.delete(key);
    for (const [key, { parked }] of this.#demands) {
      for (const [gateway, { at }] of parked) if (now - at > DEMAND_HOLDS_MS) parked.delete(gateway);
      if (parked.size === 0) this.#demands.delete(key);
    }
  }

  #functionView(fn: string, group: string, now: number): FunctionView {
    const workers = this.#workerViews(fn, group, now);
    const demand = this.#demands.get(`${fn}.${group}`)?.parked ?? new Map();
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

  #workerViews(fn: string, group: string, now: number): WorkerView[] {
    const views: WorkerView[] = [];
    for (const [worker, { functions, heardAt, isDraining }] of this.#workers) {
      const state = functions[fn];
      if (state === undefined || state.group !== group) continue;
      const { slots, free, running, buffered, serviceMs } = state;
      const silentMs = Math.round(now - heardAt);
      const perSecond = this.#paces.get(`${worker}.${fn}`)?.rates ?? null;
      views.push({ worker, slots, free, running, buffered, silentMs, isDraining, serviceMs, perSecond });
    }
    return views.sort((a, b) => (a.worker < b.worker ? -1 : 1));
  }
}

function sumOf(workers: readonly WorkerView[]): Counts {
  const sum = { slots: 0, free: 0, running: 0, buffered: 0 };
  for (const { slots, free, running, buffered } of workers) {
    sum.slots += slots;
    sum.free += free;
    sum.running += running;
    sum.buffered += buffered;
  }
  return sum;
}

/** Together; null while one of them is not known. */
function ratesOf(workers: readonly WorkerView[]): Rates | null {
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
