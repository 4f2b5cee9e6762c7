import { Dispatcher } from '../../gateway/dispatch/dispatcher.ts';
import type { BusMessage } from '../../lib/bus.ts';
import { Subjects } from '../../protocol/subjects.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { seededRandom } from '../support/random.ts';
import { Host } from './host.ts';
import { Ledger } from './ledger.ts';
import { ModelWorker } from './model-worker.ts';
import { FN, type ModelGateway, type Surroundings } from './parts.ts';
import { Promptness } from './promptness.ts';
import type { Scenario, Step, WorkerPlan } from './scenario.ts';

const LATENCY_MS = 0.05;
/** The longest that anything may be pending: a plain call's budget, and replies of pulls that were given up. */
const LONGEST_MEMORY_MS = 16_000;

const HARMFUL = new Set<Step['do']>(['kill', 'freeze', 'cutWorker', 'cutGateway', 'delay', 'fade']);

/** Gateways and workers as they are, on hosts, clocks and a broker that are not. */
class World implements Surroundings {
  readonly clock = new FakeClock();
  readonly broker: FakeBroker;
  readonly subjects = new Subjects();
  readonly ledger = new Ledger(() => this.clock.now());
  readonly gateways: ModelGateway[] = [];
  readonly workers: ModelWorker[] = [];
  readonly #plain: Host;
  readonly #promptness: Promptness;
  readonly #cancelChecks: () => void;
  #ids = 0;

  constructor(scenario: Scenario) {
    this.broker = new FakeBroker({
      clock: this.clock,
      latencyMs: LATENCY_MS,
      random: seededRandom(scenario.seed),
    });
    for (const wallOffsetMs of scenario.gatewayOffsetsMs) this.#addGateway(wallOffsetMs);
    for (const plan of scenario.workers) this.addWorker(plan);
    this.#plain = this.#host('plain', 0);
    this.#plain.bus.subscribe('plain.*', (message) => {
      const group = message.headers()?.['now-group'];
      if (group !== undefined) this.ledger.replied(message.subject.slice('plain.'.length), group);
    });
    this.#promptness = new Promptness(this);
    this.#cancelChecks = this.clock.every(10, () => {
      this.ledger.checkOverdue();
      this.#promptness.check();
    });
  }

  /** Plays the steps, then lets time go on until nothing is pending, stops everything, and looks at what is left. */
  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      await this.#step(step);
      if (this.#isBroken()) return;
    }
    await this.advance(LONGEST_MEMORY_MS);
    if (this.#isBroken()) return;
    this.ledger.checkOverdue();
    this.#checkNothingHeld();
    if (!steps.some((step) => HARMFUL.has(step.do))) this.ledger.checkNothingLost();
    await this.#stop();
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#isBroken(); left -= 100)
      await this.clock.advance(Math.min(left, 100));
  }

  /** Workers and gateways whose process lives. */
  get liveWorkers(): ModelWorker[] {
    return this.workers.filter(({ host, isGone }) => !isGone && !host.isKilled);
  }

  addWorker(plan: WorkerPlan): void {
    const id = `w${this.workers.length}`;
    this.workers.push(new ModelWorker(this, id, plan, (hooks) => this.#host(id, plan.wallOffsetMs, hooks)));
  }

  #isBroken(): boolean {
    for (const error of this.broker.errors.splice(0)) this.ledger.violated(`thrown: ${String(error)}`);
    return this.ledger.violations.length > 0;
  }

  #host(name: string, wallOffsetMs: number, hooks = {}): Host {
    const startMs = 1000 * (1 + (this.workers.length % 7)) + 0.25;
    return new Host({ name, clock: this.clock, broker: this.broker, wallOffsetMs, startMs, hooks });
  }

  #addGateway(wallOffsetMs: number): void {
    const id = `g${this.gateways.length}`;
    const host = this.#host(id, wallOffsetMs, {
      onPublish: (subject: string, options?: { headers?: readonly (readonly [string, string])[] }) => {
        const callId = options?.headers?.find(([name]) => name === 'Now-Call')?.[1];
        if (callId !== undefined) this.ledger.sent(callId, subject);
      },
    });
    const { bus, clock } = host;
    const dispatcher = new Dispatcher({ gateway: id, bus, clock, subjects: this.subjects, retryAfterS: 10 });
    dispatcher.start();
    this.gateways.push({ id, host, dispatcher });
  }

  async #step(step: Step): Promise<void> {
    if (step.do === 'wait') return this.advance(step.ms);
    if (step.do === 'call') {
      for (let count = 0; count < step.count; count++) this.#call(step);
      return;
    }
    this.#promptness.faulted();
    switch (step.do) {
      case 'plain':
        return this.#plainCall(step.workMs);
      case 'responder':
        return this.#respond(step.ms);
      case 'join':
        return this.addWorker(step.plan);
      case 'leave':
        void pick(this.liveWorkers, step.worker)?.leave();
        return;
      case 'endAll':
        return this.#endAll(pick(this.gateways, step.gateway));
      case 'kill':
        return pick(this.liveWorkers, step.worker)?.host.kill();
      case 'freeze': {
        const host = pick(this.liveWorkers, step.worker)?.host;
        host?.freeze();
        return this.#later(step.ms, () => host?.thaw(step.timersFirst));
      }
      case 'cutWorker':
        return this.#cut(pick(this.liveWorkers, step.worker)?.host, step.ms);
      case 'cutGateway':
        return this.#cut(pick(this.gateways, step.gateway)?.host, step.ms);
      case 'delay': {
        const host = this.#anyHost(step.host);
        host.delayMs = step.ms;
        return this.#later(step.forMs, () => {
          host.delayMs = 0;
        });
      }
      case 'fade': {
        const host = this.#anyHost(step.host);
        host.delayMs = step.delayMs;
        return this.#later(step.afterMs, () => {
          host.delayMs = 0;
          this.#cut(host, step.ms);
        });
      }
    }
  }

  #anyHost(index: number): Host {
    const hosts = [...this.gateways, ...this.liveWorkers].map(({ host }) => host);
    return pick(hosts, index) ?? this.#plain;
  }

  /** The end of a fault is one as well. */
  #later(ms: number, run: () => void): void {
    this.clock.after(ms, () => {
      this.#promptness.faulted();
      run();
    });
  }

  #cut(host: Host | undefined, ms: number): void {
    host?.cut();
    this.#later(ms, () => host?.mend());
  }

  #call({ gateway, workMs, budgetMs, leavesAfterMs, ends }: Extract<Step, { do: 'call' }>): void {
    const chosen = pick(this.gateways, gateway);
    if (chosen === undefined) return;
    const id = `c${this.#ids++}`;
    const call = this.ledger.open(id, chosen.id, budgetMs);
    const acceptedAt = chosen.host.clock.now();
    call.handle = chosen.dispatcher.submit(
      {
        callId: id,
        fn: FN,
        body: new TextEncoder().encode(id),
        headers: [
          ['X-Fn-Work', String(workMs)],
          ['X-Fn-Ends', ends],
        ],
        acceptedAt,
        deadlineAt: acceptedAt + budgetMs,
        budgetMs,
      },
      { settle: (outcome) => this.ledger.settle(call, outcome) },
    );
    if (leavesAfterMs === undefined) return;
    this.clock.after(leavesAfterMs, () => {
      if (call.outcomes.length > 0) return;
      call.withdrawnAt = this.clock.now();
      call.handle?.abandon();
    });
  }

  #endAll(gateway: ModelGateway | undefined): void {
    gateway?.dispatcher.endAll();
    for (const call of this.ledger.calls.values()) {
      if (call.gateway !== gateway?.id) continue;
      if (call.outcomes.length === 0) this.ledger.violated(`call ${call.id} has no outcome after endAll`);
      call.withdrawnAt ??= this.clock.now();
    }
  }

  #plainCall(workMs: number): void {
    const id = `p${this.#ids++}`;
    this.ledger.open(id, 'plain', 5000);
    this.#plain.bus.publish(this.subjects.call(FN), new TextEncoder().encode(id), {
      reply: `plain.${id}`,
      headers: [['X-Fn-Work', String(workMs)]],
    });
  }

  /** A plain NATS responder in a group of its own, for a while. */
  #respond(ms: number): void {
    const host = this.#host('responder', 0);
    const group = `responder${this.#ids++}`;
    host.bus.subscribe(
      this.subjects.call(FN),
      (message: BusMessage) => {
        const id = new TextDecoder().decode(message.data);
        this.ledger.begin(id, group, group, Number.POSITIVE_INFINITY);
        host.clock.after(20, () => {
          if (message.reply !== undefined) host.bus.publish(message.reply, message.data);
        });
      },
      { queue: group },
    );
    this.#later(ms, () => host.kill());
  }

  #checkNothingHeld(): void {
    const expectZero = (what: string, count: number) => {
      if (count !== 0) this.ledger.violated(`${what} is ${count} when all is over`);
    };
    for (const { id, dispatcher } of this.gateways) {
      expectZero(`pending of ${id}`, dispatcher.pending);
      expectZero(`parked of ${id}`, dispatcher.parkedDeliveries);
      expectZero(`open replies of ${id}`, dispatcher.openReplies);
      for (const worker of dispatcher.workers.workers()) {
        expectZero(`unanswered by ${worker.id} in ${id}`, worker.outstanding);
      }
    }
    for (const { id, worker, isLeaving } of this.liveWorkers) {
      if (isLeaving) this.ledger.violated(`${id} has not left`);
      const state = worker.state[FN];
      if (state === undefined) continue;
      expectZero(`running in ${id}`, state.running);
      expectZero(`buffered in ${id}`, state.buffered);
      expectZero(`reserved in ${id}`, state.slots - state.free - state.running);
      expectZero(`open replies of ${id}`, worker.openReplies);
    }
  }

  async #stop(): Promise<void> {
    this.#cancelChecks();
    for (const worker of this.liveWorkers) void worker.leave();
    await this.clock.advance(1000);
    for (const { id } of this.liveWorkers) this.ledger.violated(`${id} has not left within a second`);
    for (const { dispatcher } of this.gateways) dispatcher.stop();
    await this.clock.advance(1000);
    if (this.clock.pending > 0) this.ledger.violated(`${this.clock.pending} timers are left after the stop`);
    for (const { id, host } of [...this.gateways, ...this.workers]) {
      const { subscriptions } = host.connection;
      if (subscriptions > 0 && !host.isKilled)
        this.ledger.violated(`${id} left ${subscriptions} subscriptions`);
    }
    this.#isBroken();
  }
}

/** Plays a scenario; what it broke, in words. */
export async function play(scenario: Scenario): Promise<readonly string[]> {
  const random = Math.random;
  // Nothing is left to chance that a bound on promptness would have to allow for.
  Math.random = () => 0;
  try {
    const world = new World(scenario);
    await world.play(scenario.steps);
    return world.ledger.violations;
  } finally {
    Math.random = random;
  }
}

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items.length === 0 ? undefined : items[index % items.length];
}
