import type { CallHandle, CallOutcome } from '../../../gateway/dispatch/contract.ts';
import { Dispatcher, type DispatcherOptions } from '../../../gateway/dispatch/dispatcher.ts';
import { type BusMessage, NO_DATA } from '../../../lib/bus.ts';
import { CallError } from '../../../protocol/call-error.ts';
import { encodeJson } from '../../../protocol/json.ts';
import { type Signal, signalHeaders } from '../../../protocol/reply.ts';
import { Subjects } from '../../../protocol/subjects.ts';
import { FakeBroker, type FakeBus } from '../../support/fake-bus.ts';
import { FakeClock } from '../../support/fake-clock.ts';

export const FN = 'resize';
const subjects = new Subjects();

/** A call that a test made. */
export interface TestCall {
  readonly outcomes: CallOutcome[];
  readonly handle: CallHandle;
  /** When it ended, milliseconds after it was made. */
  readonly endedAfterMs: () => number;
  /** The only outcome, which must be a failure. */
  readonly error: () => CallError;
  /** The only outcome's body as text; it must be an answer. */
  readonly text: () => string;
}

/** A dispatcher on a fake bus; time moves when the test says so. */
export class TestGateway {
  readonly clock = new FakeClock();
  readonly broker = new FakeBroker({ clock: this.clock });
  readonly bus = this.broker.connect('gateway');
  readonly dispatcher: Dispatcher;
  #calls = 0;

  constructor(options: Partial<DispatcherOptions> = {}) {
    const { clock, bus } = this;
    this.dispatcher = new Dispatcher({ gateway: 'gw', bus, clock, subjects, retryAfterS: 10, ...options });
    this.dispatcher.start();
  }

  submit({ budgetMs = 500, body = `call ${this.#calls}` } = {}): TestCall {
    const callId = `c${this.#calls++}`;
    const acceptedAt = this.clock.now();
    const outcomes: CallOutcome[] = [];
    let endedAt = Number.NaN;
    const handle = this.dispatcher.submit(
      {
        callId,
        fn: FN,
        body: new TextEncoder().encode(body),
        headers: [],
        acceptedAt,
        deadlineAt: acceptedAt + budgetMs,
        budgetMs,
      },
      {
        settle: (outcome) => {
          endedAt = this.clock.now();
          outcomes.push(outcome);
        },
      },
    );
    const only = (): CallOutcome => {
      const [outcome, ...more] = outcomes;
      if (outcome === undefined || more.length > 0) throw new Error(`${outcomes.length} outcomes`);
      return outcome;
    };
    return {
      outcomes,
      handle,
      endedAfterMs: () => endedAt - acceptedAt,
      error: () => {
        const outcome = only();
        if (!(outcome instanceof CallError)) throw new Error('it was answered');
        return outcome;
      },
      text: () => {
        const outcome = only();
        if (outcome instanceof CallError) throw outcome;
        return new TextDecoder().decode(outcome.body);
      },
    };
  }

  /** A worker that does what the test says, known to the gateway and live until `kill`. */
  async worker(
    id: string,
    options: { group?: string; slots?: number; serviceMs?: number } = {},
  ): Promise<TestWorker> {
    const worker = new TestWorker(this, id, options);
    worker.sendState();
    await this.clock.advance(1);
    return worker;
  }

  /** What was published below a subject so far. */
  published(start: string) {
    return this.broker.published.filter(({ subject }) => subject.startsWith(start));
  }

  /** Stops; throws when something is left behind. */
  async stop(): Promise<void> {
    this.dispatcher.stop();
    await this.clock.advance(2000);
    if (this.broker.errors.length > 0) throw this.broker.errors[0];
    if (this.bus.subscriptions > 0) throw new Error(`${this.bus.subscriptions} subscriptions are left`);
  }
}

export class TestWorker {
  readonly id: string;
  readonly group: string;
  readonly slots: number;
  readonly serviceMs: number;
  readonly bus: FakeBus;
  /** Calls that it got and that no script took. */
  readonly calls: BusMessage[] = [];
  readonly cancelled: string[] = [];
  /** Answers to its pulls. */
  readonly pulled: BusMessage[] = [];
  /** Demand that it heard: how many calls were parked, and when. */
  readonly demands: { parked: number; at: number }[] = [];
  readonly #gateway: TestGateway;
  #script: ((message: BusMessage) => void)[] = [];
  #always: ((message: BusMessage) => void) | undefined;
  #stopStates: () => void;

  constructor(
    gateway: TestGateway,
    id: string,
    { group = 'workers', slots = 1, serviceMs = 100 }: { group?: string; slots?: number; serviceMs?: number },
  ) {
    this.#gateway = gateway;
    this.id = id;
    this.group = group;
    this.slots = slots;
    this.serviceMs = serviceMs;
    this.bus = gateway.broker.connect(id);
    const onCall = (message: BusMessage) => {
      // A probe: whoever lives answers it.
      if (message.headers()?.['now-timeout'] === '0') return this.signal(message, 'expired');
      const next = this.#script.shift() ?? this.#always;
      if (next === undefined) this.calls.push(message);
      else next(message);
    };
    this.bus.subscribe(subjects.work(id, '*'), onCall);
    this.bus.subscribe(subjects.call(FN), onCall, { queue: this.group });
    this.bus.subscribe(subjects.cancel(id), ({ data }) => this.cancelled.push(JSON.parse(text(data)).call));
    this.bus.subscribe(`${subjects.replies(id)}.*`, (message) => this.pulled.push(message));
    this.bus.subscribe(subjects.demand(FN, this.group), ({ data }) => {
      this.demands.push({ parked: JSON.parse(text(data)).parked, at: gateway.clock.now() });
    });
    this.#stopStates = gateway.clock.every(500, () => this.sendState());
  }

  /** What becomes of the next call; after the last one the next is kept in `calls`. */
  next(...script: ((message: BusMessage) => void)[]): this {
    this.#script.push(...script);
    return this;
  }

  /** What becomes of every call. */
  always(script: (message: BusMessage) => void): this {
    this.#always = script;
    return this;
  }

  sendState(state: { free?: number; draining?: boolean; bye?: boolean } = {}): void {
    const { free = this.slots, ...rest } = state;
    const { group, slots, serviceMs } = this;
    const functions = { [FN]: { group, slots, free, running: 0, buffered: 0, serviceMs } };
    this.bus.publish(
      subjects.state(this.id),
      encodeJson({ at: this.#gateway.clock.wall(), functions, ...rest }),
    );
  }

  /** Answers a call with its own body in capitals. */
  readonly answer = (message: BusMessage, free = this.slots): void => {
    this.reply(message, text(message.data).toUpperCase(), [
      ['Now-Worker', this.id],
      ['Now-Group', this.group],
      ['Now-Free', String(free)],
      ['Now-Service-Ms', String(this.serviceMs)],
    ]);
  };

  reply(message: BusMessage, body: string, headers: readonly (readonly [string, string])[]): void {
    const subject = message.headers()?.['now-reply'] ?? message.reply ?? 'nowhere';
    this.bus.publish(subject, new TextEncoder().encode(body), { headers });
  }

  signal(message: BusMessage, signal: Signal, free = 0): void {
    const report = { worker: this.id, group: this.group, free };
    const subject = message.headers()?.['now-reply'] ?? message.reply ?? 'nowhere';
    this.bus.publish(subject, NO_DATA, { headers: signalHeaders(signal, report) });
  }

  readonly busy = (message: BusMessage): void => this.signal(message, 'busy');

  /** Asks any gateway for a parked call. */
  pull(): void {
    const reply = `${subjects.replies(this.id)}.t${this.pulled.length}`;
    this.bus.publish(subjects.pull(FN, this.group), encodeJson({ worker: this.id }), { reply });
  }

  /** Sends no state and handles nothing any more, but its connection stays. */
  freeze(): void {
    this.#stopStates();
    this.always(() => undefined);
    this.#script = [];
    this.signal = () => undefined;
  }

  /** Its connection is gone for ever. */
  kill(): void {
    this.#stopStates();
    this.bus.disconnect();
  }
}

export function text(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}

/** Runs a test with a gateway, and checks that it leaves nothing behind. */
export async function withGateway(
  run: (gateway: TestGateway) => Promise<void>,
  options?: Partial<DispatcherOptions>,
): Promise<void> {
  const gateway = new TestGateway(options);
  await gateway.clock.advance(1);
  await run(gateway);
  await gateway.stop();
}
