import type { Logger } from 'pino';
import type { Bus, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Inbox } from '../../lib/inbox.ts';
import type { Component } from '../../lib/lifecycle.ts';
import { decodeJson, encodeJson } from '../../protocol/json.ts';
import { cancelSchema, helloSchema, type State } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { LoadedFunction } from '../api/define.ts';
import { ClockOffsets } from './clock-offset.ts';
import { Discovery } from './discovery.ts';
import { FunctionServer, type SharedServices } from './function-server.ts';
import { LagWatch } from './lag-watch.ts';
import { Phase } from './phase.ts';

/** What a worker needs. */
export interface WorkerOptions {
  /** Unique among all workers: one subject token. */
  readonly id: string;
  /** Queue group of functions that name none. */
  readonly group: string;
  readonly functions: readonly LoadedFunction[];
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly subjects: Subjects;
  readonly run: SharedServices['run'];
}

const STATE_EVERY_MS = 500;
const HELLO_JITTER_MS = 100;

/**
 * One worker on the bus; see `Phase` for what it does when, and `FunctionServer` for what happens to a call.
 *
 * It publishes its state every 500 ms, and at once when its phase changes, when a gateway says hello, and when nothing
 * is parked for a function that has free slots. To leave, it drains (says so, leaves the queue groups without losing
 * what is on the way, answers gateways `draining`, runs what it has), then stops, with `bye`.
 */
export class Worker implements Component {
  readonly name = 'worker';
  readonly #options: WorkerOptions;
  readonly #phase: Phase;
  readonly #lagWatch: LagWatch;
  readonly #inbox: Inbox;
  readonly #offsets = new ClockOffsets();
  /** By the function's name. */
  readonly #servers = new Map<string, FunctionServer>();
  readonly #discovery: Discovery;
  /** Its private subject: gone only when nothing runs, since without it the worker counts as lost. */
  #workSubscription: BusSubscription | undefined;
  readonly #subscriptions: BusSubscription[] = [];
  readonly #cancelTimers: (() => void)[] = [];
  #drained: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { id, group, bus, clock, log, subjects, run, functions } = options;
    this.#phase = new Phase(log);
    this.#lagWatch = new LagWatch(clock, this.#phase, () => this.#onLagChange());
    this.#inbox = new Inbox(bus, subjects.replies(id));
    const shared: SharedServices = {
      worker: id,
      bus,
      clock,
      log,
      subjects,
      inbox: this.#inbox,
      offsets: this.#offsets,
      phase: this.#phase,
      lagWatch: this.#lagWatch,
      run,
      onIdle: (fn) => this.#publishState(fn),
    };
    for (const fn of functions) {
      this.#servers.set(fn.name, new FunctionServer(fn, fn.group ?? group, shared));
    }
    this.#discovery = new Discovery({
      worker: id,
      bus,
      clock,
      subjects,
      functions: [...this.#servers.values()],
    });
  }

  start(): void {
    const { bus, clock } = this.#options;
    this.#inbox.start();
    this.#subscribe();
    this.#discovery.start();
    this.#lagWatch.start();
    this.#cancelTimers.push(
      bus.onConnection((connected) => this.#onConnection(connected)),
      clock.every(STATE_EVERY_MS, () => this.#publishState()),
    );
    this.#publishState();
  }

  /** Loses nothing: resolves when every call that reached this worker is answered. A second call waits as well. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  /** Says bye and leaves; a call that still runs is not waited for. A second call does nothing more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Of all its functions, by name. */
  get state(): State['functions'] {
    return Object.fromEntries([...this.#servers].map(([fn, server]) => [fn, server.state]));
  }

  /** Reply subjects that are open: one for each pull that was not answered in the last ten seconds. */
  get openReplies(): number {
    return this.#inbox.size;
  }

  #subscribe(): void {
    const { bus, clock, subjects, id } = this.#options;
    const workStart = subjects.work(id, '').length;
    this.#workSubscription = bus.subscribe(subjects.work(id, '*'), (message) => {
      this.#servers.get(message.subject.slice(workStart))?.take(message);
    });
    for (const server of this.#servers.values()) server.start();
    this.#subscriptions.push(
      bus.subscribe(subjects.cancel(id), (message) => {
        const cancel = decodeJson(cancelSchema, message.data);
        if (cancel === undefined) return;
        for (const server of this.#servers.values()) if (server.cancel(cancel.call, cancel.reason)) break;
      }),
      bus.subscribe(subjects.hello(), (message) => {
        const hello = decodeJson(helloSchema, message.data);
        if (hello === undefined) return;
        this.#offsets.observe(hello.gateway, hello.at, clock.wall(), clock.now());
        clock.after(Math.random() * HELLO_JITTER_MS, () => this.#publishState());
      }),
    );
  }

  async #drain(): Promise<void> {
    // What is begun from here on finishes; what a gateway sends from here on is sent elsewhere.
    this.#phase.drainBegan();
    this.#publishState();
    await Promise.all([...this.#servers.values()].map((server) => server.drain()));
    await this.#workSubscription?.drain();
  }

  async #stop(): Promise<void> {
    const { bus } = this.#options;
    this.#phase.stopped();
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
    this.#lagWatch.stop();
    this.#workSubscription?.unsubscribe();
    for (const server of this.#servers.values()) server.stop();
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
    this.#discovery.stop();
    this.#inbox.stop();
    if (!bus.connected) return;
    this.#send({ ...this.#stateMessage(), bye: true });
    await bus.flush();
  }

  /** Gateways hear of a lag, and of the end of it, at once. */
  #onLagChange(): void {
    if (this.#phase.current === 'serving') for (const server of this.#servers.values()) server.refill();
    this.#publishState();
  }

  #onConnection(connected: boolean): void {
    if (!connected) return;
    this.#publishState();
    for (const server of this.#servers.values()) server.resend();
  }

  /** Publishes the state of one function, or of all. */
  #publishState(only?: string): void {
    // After its bye a worker must not seem to be there again.
    if (!this.#options.bus.connected || this.#phase.current === 'stopped') return;
    this.#send(this.#stateMessage(only));
  }

  #stateMessage(only?: string): State {
    const entries = [...this.#servers].filter(([fn]) => only === undefined || fn === only);
    const functions = Object.fromEntries(entries.map(([fn, server]) => [fn, server.state]));
    const state: State = { at: this.#options.clock.wall(), functions };
    return this.#phase.isLeaving ? { ...state, draining: true } : state;
  }

  #send(state: State): void {
    const { bus, subjects, id } = this.#options;
    bus.publish(subjects.state(id), encodeJson(state));
  }
}
