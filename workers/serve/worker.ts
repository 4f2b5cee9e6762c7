import type { Logger } from 'pino';
import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import { Inbox } from '../../lib/inbox.ts';
import type { Component } from '../../lib/lifecycle.ts';
import { decodeJson, encodeJson } from '../../protocol/json.ts';
import { cancelSchema, demandSchema, helloSchema, type State } from '../../protocol/state.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import type { LoadedFunction } from '../api/define.ts';
import { ClockOffsets } from './clock-offset.ts';
import { Discovery } from './discovery.ts';
import { Intake, type IntakeOptions } from './intake.ts';
import { Pulls } from './pulls.ts';

/**
 * One worker on the bus. Its states:
 *
 *   starting ──► serving ──► draining ──► stopped
 *
 * serving: takes calls, tells its state every 500 ms, pulls when there is demand.
 * draining: leaves the queue groups without losing what is on the way, answers gateways `draining`, runs what it
 * has, says bye. stopped: has no subscription.
 */
export interface WorkerOptions {
  /** Unique among all workers: one subject token. */
  id: string;
  /** Queue group of functions that name none. */
  group: string;
  functions: readonly LoadedFunction[];
  bus: Bus;
  clock: Clock;
  log: Logger;
  subjects: Subjects;
  run: IntakeOptions['run'];
}

const STATE_EVERY_MS = 500;
const HELLO_JITTER_MS = 100;
const LAG_TICK_MS = 50;
/** A loop that is this late cannot begin a call in time, nor say so. */
const MAX_LAG_MS = 100;

interface Served {
  readonly intake: Intake;
  readonly pulls: Pulls;
  readonly group: string;
}

export class Worker implements Component {
  readonly name = 'worker';
  readonly #options: WorkerOptions;
  readonly #inbox: Inbox;
  readonly #offsets = new ClockOffsets();
  #discovery: Discovery | undefined;
  readonly #served = new Map<string, Served>();
  readonly #callSubscriptions: BusSubscription[] = [];
  /** Its private subject: gone only when nothing runs, since without it the worker counts as lost. */
  #workSubscription: BusSubscription | undefined;
  readonly #subscriptions: BusSubscription[] = [];
  readonly #cancelTimers: (() => void)[] = [];
  #isDraining = false;
  #isStopped = false;
  #tickedAt = 0;
  #isLagging = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    const { bus, subjects, id } = options;
    this.#inbox = new Inbox(bus, subjects.replies(id));
    for (const fn of options.functions) this.#served.set(fn.name, this.#serve(fn));
  }

  start(): void {
    const { bus, clock, subjects, id } = this.#options;
    this.#inbox.start();
    const workStart = subjects.work(id, '').length;
    this.#workSubscription = bus.subscribe(subjects.work(id, '*'), (message) => {
      const served = this.#served.get(message.subject.slice(workStart));
      if (served !== undefined) this.#take(served.intake, message);
    });
    for (const [fn, { intake, pulls, group }] of this.#served) {
      this.#callSubscriptions.push(
        bus.subscribe(subjects.call(fn), (message) => void this.#take(intake, message), { queue: group }),
      );
      this.#subscriptions.push(
        bus.subscribe(subjects.demand(fn, group), (message) => {
          const demand = decodeJson(demandSchema, message.data);
          if (demand === undefined) return;
          this.#offsets.observe(demand.gateway, demand.at, clock.wall(), clock.now());
          pulls.onDemand(demand);
        }),
      );
    }
    this.#subscriptions.push(
      bus.subscribe(subjects.cancel(id), (message) => {
        const cancel = decodeJson(cancelSchema, message.data);
        if (cancel === undefined) return;
        for (const { intake } of this.#served.values()) if (intake.cancel(cancel.call, cancel.reason)) break;
      }),
      bus.subscribe(subjects.hello(), (message) => {
        const hello = decodeJson(helloSchema, message.data);
        if (hello === undefined) return;
        this.#offsets.observe(hello.gateway, hello.at, clock.wall(), clock.now());
        clock.after(Math.random() * HELLO_JITTER_MS, () => this.#tellState());
      }),
    );
    this.#discovery = new Discovery({
      worker: id,
      bus,
      subjects,
      startedWall: clock.wall(),
      functions: [...this.#served.values()].map(({ intake }) => intake),
    });
    this.#discovery.start();
    this.#tickedAt = clock.now();
    this.#cancelTimers.push(
      bus.onConnection((connected) => this.#onConnection(connected)),
      clock.every(STATE_EVERY_MS, () => this.#tellState()),
      clock.every(LAG_TICK_MS, () => this.#watchLag()),
    );
    this.#tellState();
  }

  /** Loses nothing: resolves when every call that reached this worker is answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    const served = [...this.#served.values()];
    // What is begun from here on finishes; what a gateway sends from here on is sent elsewhere.
    for (const { intake } of served) intake.slots.isClosed = true;
    this.#tellState();
    await Promise.all(served.map(({ pulls }) => pulls.drain()));
    for (const { intake } of served) void intake.drain();
    await Promise.all(this.#callSubscriptions.map((subscription) => subscription.drain()));
    // Only now is it certain that nothing more comes: a plain requester's call may have been on the way.
    await Promise.all(served.map(({ intake }) => intake.drain()));
    await this.#workSubscription?.drain();
  }

  /** Says bye and leaves; a call that still runs gets no reply. */
  async stop(): Promise<void> {
    this.#isDraining = true;
    for (const cancel of this.#cancelTimers.splice(0)) cancel();
    for (const { pulls } of this.#served.values()) pulls.stop();
    const subscriptions = [...this.#callSubscriptions.splice(0), ...this.#subscriptions.splice(0)];
    this.#workSubscription?.unsubscribe();
    for (const subscription of subscriptions) subscription.unsubscribe();
    this.#discovery?.stop();
    this.#inbox.stop();
    this.#tellState(true);
    this.#isStopped = true;
    if (this.#options.bus.connected) await this.#options.bus.flush();
  }

  /** Of all its functions, by name. */
  get state(): State['functions'] {
    return Object.fromEntries([...this.#served].map(([fn, { intake }]) => [fn, intake.state]));
  }

  /** Reply subjects that are open: one for each pull that was not answered in the last ten seconds. */
  get openReplies(): number {
    return this.#inbox.size;
  }

  #serve(fn: LoadedFunction): Served {
    const { id, bus, clock, log, subjects, run } = this.#options;
    const group = fn.group ?? this.#options.group;
    const intake: Intake = new Intake(fn, {
      worker: id,
      group,
      bus,
      clock,
      log,
      offsets: this.#offsets,
      replyPrefix: subjects.replies(''),
      run,
      onRefused: () => pulls.onRefused(),
      onFree: () => pulls.onFree(),
    });
    const pulls: Pulls = new Pulls({
      worker: id,
      fn: fn.name,
      group,
      bus,
      clock,
      subjects,
      inbox: this.#inbox,
      slots: intake.slots,
      take: (message) => this.#take(intake, message),
      onReleased: () => intake.startBuffered(),
      onIdle: () => this.#tellState(false, fn.name),
    });
    return { intake, pulls, group };
  }

  #onConnection(connected: boolean): void {
    if (!connected) return;
    this.#tellState();
    for (const { intake } of this.#served.values()) intake.resend();
  }

  /** Tells the state of one function, or of all. */
  #tellState(bye = false, only?: string): void {
    const { bus, clock, subjects, id } = this.#options;
    // After its bye a worker must not seem to be there again.
    if (!bus.connected || this.#isStopped) return;
    const all = this.state;
    const functions =
      only === undefined ? all : Object.fromEntries(Object.entries(all).filter(([fn]) => fn === only));
    const state: State = { at: clock.wall(), functions };
    if (this.#isDraining) state.draining = true;
    if (bye) state.bye = true;
    bus.publish(subjects.state(id), encodeJson(state));
  }

  /** A process that was stopped reads what waited for it before its timers tell it so: such calls find no slot. */
  #take(intake: Intake, message: BusMessage): number {
    if (this.#isLate()) this.#setLagging(true);
    return intake.take(message);
  }

  #watchLag(): void {
    const isLate = this.#isLate();
    this.#tickedAt = this.#options.clock.now();
    this.#setLagging(isLate);
  }

  #isLate(): boolean {
    return this.#options.clock.now() - this.#tickedAt - LAG_TICK_MS > MAX_LAG_MS;
  }

  /** While the loop lags no slot counts as free; gateways hear of it, and of the end of it, at once. */
  #setLagging(isLagging: boolean): void {
    if (this.#isDraining || isLagging === this.#isLagging) return;
    this.#isLagging = isLagging;
    for (const { intake } of this.#served.values()) {
      intake.slots.isClosed = isLagging;
      if (!isLagging) intake.refill();
    }
    this.#tellState();
  }
}
