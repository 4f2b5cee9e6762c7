import { type BusMessage, NO_DATA } from '../../../lib/bus.ts';
import { deferred } from '../../../lib/deferred.ts';
import { callHeaders } from '../../../protocol/call.ts';
import { type HeaderPairs, header } from '../../../protocol/headers.ts';
import { encodeJson } from '../../../protocol/json.ts';
import type { State } from '../../../protocol/state.ts';
import { Subjects } from '../../../protocol/subjects.ts';
import { readDefinition } from '../../../workers/api/define.ts';
import type { Completion, Invocation } from '../../../workers/run/completion.ts';
import { gaveUp } from '../../../workers/run/completion.ts';
import { Worker } from '../../../workers/serve/worker.ts';
import { FakeBroker } from '../../support/fake-bus.ts';
import { FakeClock, type HostClock } from '../../support/fake-clock.ts';
import { silentLog } from '../../support/log.ts';

export const FN = 'resize';
const subjects = new Subjects();

/** A call that the worker under test runs. */
export interface TestRun {
  readonly invocation: Invocation;
  /** Answers it with its own body in capitals. */
  readonly finish: () => Promise<void>;
  /** Why it was cancelled. */
  cancelled: string | undefined;
}

interface PushOptions {
  readonly budgetMs?: number;
  readonly body?: string;
  readonly timeout?: string;
}

export interface TestReply {
  readonly data: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A worker on a fake bus and, beside it, what speaks to it: a gateway and plain requesters. */
export class TestWorker {
  readonly clock = new FakeClock();
  readonly broker = new FakeBroker({ clock: this.clock });
  readonly bus = this.broker.connect('worker');
  readonly gateway = this.broker.connect('gateway');
  readonly worker: Worker;
  readonly runs: TestRun[] = [];
  readonly states: State[] = [];
  /** Pulls to any gateway and to this one. */
  readonly pulls: BusMessage[] = [];
  readonly #hostClock: HostClock;
  readonly #replies = new Map<string, TestReply[]>();
  #ids = 0;

  constructor({ slots = 1, wallOffsetMs = 0 } = {}) {
    this.#hostClock = this.clock.host({ wallOffsetMs });
    this.worker = new Worker({
      id: 'w1',
      group: 'workers',
      functions: [readDefinition(() => undefined, { name: FN, slots })],
      bus: this.bus,
      clock: this.#hostClock,
      log: silentLog,
      subjects,
      run: (_, invocation) => this.#run(invocation),
    });
    this.gateway.subscribe(subjects.state('*'), ({ data }) => {
      this.states.push(JSON.parse(new TextDecoder().decode(data)));
    });
    this.gateway.subscribe(`${subjects.replies('gw')}.*`, (message) => this.#onReply(message));
    this.gateway.subscribe('plain.*', (message) => this.#onReply(message));
    this.gateway.subscribe(subjects.pullFrom('gw'), (message) => this.pulls.push(message));
  }

  async start(): Promise<this> {
    await this.clock.advance(1);
    this.worker.start();
    await this.clock.advance(1);
    return this;
  }

  /** Any gateway's queue exists: pulls find somebody. */
  async openQueue(): Promise<void> {
    this.gateway.subscribe(subjects.pull(FN, 'workers'), (message) => this.pulls.push(message));
    await this.clock.advance(1);
  }

  /** A call to its private subject; its id. `budgetMs` counts from now; `timeout` is sent instead of it. */
  push({ budgetMs = 1000, body = 'hello', timeout }: PushOptions = {}): string {
    const callId = `c${this.#ids++}`;
    const headers = this.#headers(callId, budgetMs).map(([name, value]): [string, string] =>
      name === header.timeout ? [name, timeout ?? value] : [name, value],
    );
    this.gateway.publish(subjects.work('w1', FN), new TextEncoder().encode(body), {
      reply: `${subjects.replies('gw')}.${callId}`,
      headers,
    });
    return callId;
  }

  /** A call as the answer to a pull; its id. */
  handOut(pull: BusMessage | undefined, { parked = 0, budgetMs = 1000 } = {}): string {
    const callId = `c${this.#ids++}`;
    const replyTo = `${subjects.replies('gw')}.${callId}`;
    this.gateway.publish(pull?.reply ?? 'nowhere', new TextEncoder().encode('pulled'), {
      reply: replyTo,
      headers: this.#headers(callId, budgetMs, replyTo, parked),
    });
    return callId;
  }

  /** Answers a pull with nothing. */
  empty(pull: BusMessage | undefined): void {
    this.gateway.publish(pull?.reply ?? 'nowhere', NO_DATA, { headers: [['Now-Signal', 'empty']] });
  }

  /** A plain requester's call; its id. */
  ask(body = 'hello', headers: HeaderPairs = []): string {
    const id = `p${this.#ids++}`;
    this.gateway.publish(subjects.call(FN), new TextEncoder().encode(body), {
      reply: `plain.${id}`,
      headers,
    });
    return id;
  }

  demand(parked: number, free = 0): void {
    const demand = { gateway: 'gw', parked, at: this.clock.wall(), free };
    this.gateway.publish(subjects.demand(FN, 'workers'), encodeJson(demand));
  }

  hello(): void {
    this.gateway.publish(subjects.hello(), encodeJson({ gateway: 'gw', at: this.clock.wall() }));
  }

  cancel(call: string): void {
    this.gateway.publish(subjects.cancel('w1'), encodeJson({ call, reason: 'the caller left' }));
  }

  replies(id: string): readonly TestReply[] {
    return this.#replies.get(id) ?? [];
  }

  /** The only reply: its signal, else its error code, else its body. */
  said(id: string): string | undefined {
    const replies = this.replies(id);
    if (replies.length > 1) throw new Error(`${id} got ${replies.length} replies`);
    const [reply] = replies;
    if (reply === undefined) return undefined;
    return reply.headers['now-signal'] ?? reply.headers['nats-service-error-code'] ?? reply.data;
  }

  /** Stops; throws when something is left behind. */
  async stop(): Promise<void> {
    void this.worker.stop();
    await this.clock.advance(20_000);
    if (this.broker.errors.length > 0) throw this.broker.errors[0];
    if (this.bus.subscriptions > 0) throw new Error(`${this.bus.subscriptions} subscriptions are left`);
    if (this.clock.pending > 0) throw new Error(`${this.clock.pending} timers are left`);
  }

  #headers(callId: string, timeoutMs: number, replyTo?: string, parked?: number) {
    const deadlineWall = this.clock.wall() + timeoutMs;
    return callHeaders({ callId, gateway: 'gw', timeoutMs, deadlineWall, replyTo, parked }, []);
  }

  #onReply(message: BusMessage): void {
    const id = message.subject.slice(message.subject.lastIndexOf('.') + 1);
    const reply = { data: new TextDecoder().decode(message.data), headers: message.headers() ?? {} };
    this.#replies.set(id, [...this.replies(id), reply]);
  }

  #run(invocation: Invocation) {
    const { promise: done, resolve: resolveDone } = deferred<Completion>();
    const run: TestRun = {
      invocation,
      cancelled: undefined,
      finish: async () => {
        const body = new TextEncoder().encode(new TextDecoder().decode(invocation.body).toUpperCase());
        resolveDone({ outcome: 'ok', status: 200, headers: [], body });
        await this.clock.advance(1);
      },
    };
    this.runs.push(run);
    const cancel = (reason: string): void => {
      run.cancelled = reason;
      resolveDone(gaveUp('cancelled'));
    };
    return { done, cancel };
  }
}
