import type {
  Bus,
  BusMessage,
  BusSubscription,
  HeaderPairs,
  MessageHeaders,
  PublishOptions,
  SubscribeOptions,
} from '../../lib/bus.ts';
import { busClosed, checkSubscription, notConnected, tooLarge } from '../../lib/bus-error.ts';
import type { Clock } from '../../lib/clock.ts';
import { decodeHeaders, encodeHeaders, NO_HEADERS } from '../../lib/nats-headers.ts';
import { FakeMessage, matches, type Packet } from './fake-message.ts';
import { seededRandom } from './random.ts';

/** How a FakeBroker behaves. */
export interface FakeBrokerOptions {
  clock: Clock;
  /** One way between a client and the broker; 0.05 ms by default. */
  latencyMs?: number;
  /** Chooses the member of a queue group: numbers in [0, 1); seeded by default. */
  random?: () => number;
  maxPayload?: number;
  clustered?: boolean;
}

/**
 * Core NATS in memory: wildcards, queue groups, no-responders replies to who asked, at-most-once. Commands and
 * messages of one connection keep their order; what is on the way when a connection breaks is lost.
 */
export class FakeBroker {
  maxPayload: number;
  clustered: boolean;
  latencyMs: number;
  /** Every message the broker took, in order: for asserts on what was published. */
  readonly published: {
    subject: string;
    reply: string | undefined;
    data: Uint8Array;
    headers: MessageHeaders;
  }[] = [];
  /** What subscription callbacks and listeners threw. */
  readonly errors: unknown[] = [];
  readonly clock: Clock;
  readonly #random: () => number;
  readonly #registered = new Set<FakeSubscription>();
  readonly #connections = new Set<FakeBus>();
  #running = true;

  constructor(options: FakeBrokerOptions) {
    this.clock = options.clock;
    this.latencyMs = options.latencyMs ?? 0.05;
    this.maxPayload = options.maxPayload ?? 1024 * 1024;
    this.clustered = options.clustered ?? false;
    this.#random = options.random ?? seededRandom(1);
  }

  /** A new connection; it is connected at once while the broker runs. */
  connect(name = 'fake'): FakeBus {
    const bus = new FakeBus(this, name);
    this.#connections.add(bus);
    if (this.#running) bus.reconnect();
    return bus;
  }

  /** All connections break. */
  stop(): void {
    this.#running = false;
    for (const bus of this.#connections) bus.disconnect();
  }

  /** All connections are made again. */
  start(): void {
    this.#running = true;
    for (const bus of this.#connections) bus.reconnect();
  }

  /** A message from nowhere, also a malformed one: `headerBlock` is taken as it is. */
  inject(
    subject: string,
    data: Uint8Array,
    options: { reply?: string; headerBlock?: Uint8Array } = {},
  ): void {
    const { reply, headerBlock } = options;
    this.route({ subject, data, reply, headerBlock, noResponders: false }, undefined);
  }

  /** @internal */
  register(subscription: FakeSubscription): void {
    this.#registered.add(subscription);
  }

  /** @internal */
  unregister(subscription: FakeSubscription): void {
    this.#registered.delete(subscription);
  }

  /** @internal */
  forget(bus: FakeBus): void {
    this.#connections.delete(bus);
  }

  /** @internal */
  route(packet: Packet, from: FakeBus | undefined): void {
    const headers = packet.headerBlock === undefined ? NO_HEADERS : decodeHeaders(packet.headerBlock);
    const { subject, data, reply } = packet;
    this.published.push({ subject, data, reply, headers: headers ?? NO_HEADERS });
    const groups = new Map<string, FakeSubscription[]>();
    let taken = false;
    for (const one of this.#registered) {
      if (!matches(one.tokens, packet.subject)) continue;
      taken = true;
      if (one.queue === undefined) one.bus.arrive(one, packet);
      else groups.set(one.queue, [...(groups.get(one.queue) ?? []), one]);
    }
    for (const members of groups.values()) {
      const member = members[Math.floor(this.#random() * members.length)];
      member?.bus.arrive(member, packet);
    }
    if (!taken && packet.reply !== undefined && from !== undefined) this.#noResponders(packet.reply, from);
  }

  /** Told to the connection that asked alone. */
  #noResponders(replySubject: string, from: FakeBus): void {
    const headerBlock = Buffer.from('NATS/1.0 503\r\n\r\n');
    for (const one of this.#registered) {
      if (one.bus !== from || one.queue !== undefined || !matches(one.tokens, replySubject)) continue;
      from.arrive(one, {
        subject: replySubject,
        data: new Uint8Array(0),
        reply: undefined,
        headerBlock,
        noResponders: true,
      });
      return;
    }
  }
}

/** One connection to a FakeBroker. */
export class FakeBus implements Bus {
  readonly name: string;
  readonly #broker: FakeBroker;
  readonly #subscriptions = new Set<FakeSubscription>();
  readonly #listeners = new Set<(connected: boolean) => void>();
  #connected = false;
  #closed = false;
  /** Counts connections: what belongs to an earlier one is lost. */
  #epoch = 0;

  constructor(broker: FakeBroker, name: string) {
    this.#broker = broker;
    this.name = name;
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayload(): number {
    return this.#broker.maxPayload;
  }

  get clustered(): boolean {
    return this.#broker.clustered;
  }

  /** Subscriptions that were made and not ended: for asserts. */
  get subscriptions(): number {
    return this.#subscriptions.size;
  }

  /** Does nothing: it is here so that it can be a part of a Lifecycle like the real one. */
  start(): void {}

  stop(): Promise<void> {
    return this.close();
  }

  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    if (this.#closed) throw busClosed();
    if (!this.#connected) throw notConnected();
    const headerBlock = blockOf(options.headers);
    const bytes = data.length + (headerBlock?.length ?? 0);
    if (bytes > this.maxPayload) throw tooLarge(bytes, this.maxPayload);
    const packet = { subject, data: data.slice(), reply: options.reply, headerBlock, noResponders: false };
    this.#send(() => this.#broker.route(packet, this));
  }

  subscribe(
    subject: string,
    onMessage: (message: BusMessage) => void,
    options: SubscribeOptions = {},
  ): BusSubscription {
    if (this.#closed) throw busClosed();
    checkSubscription(subject, options.queue);
    const subscription = new FakeSubscription(this, subject, options.queue, onMessage);
    this.#subscriptions.add(subscription);
    if (this.#connected) this.#send(() => this.#broker.register(subscription));
    return {
      drain: () => this.#drain(subscription),
      unsubscribe: () => this.#unsubscribe(subscription),
    };
  }

  flush(): Promise<void> {
    if (this.#closed) return Promise.reject(busClosed());
    if (!this.#connected) return Promise.reject(notConnected());
    const epoch = this.#epoch;
    return new Promise((resolve, reject) => {
      const answer = () => (epoch === this.#epoch ? resolve() : reject(notConnected()));
      this.#later(() => this.#later(answer));
    });
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // What was published before still leaves: it is on the way to the broker already.
    await this.flush().catch(() => undefined);
    this.#closed = true;
    this.disconnect();
    this.#subscriptions.clear();
    this.#listeners.clear();
    this.#broker.forget(this);
  }

  /** This connection breaks; what is on the way to it and from it is lost. */
  disconnect(): void {
    this.#epoch++;
    for (const one of this.#subscriptions) this.#broker.unregister(one);
    this.#setConnected(false);
  }

  /** It is made again, and all its subscriptions with it. */
  reconnect(): void {
    if (this.#connected || this.#closed) return;
    this.#epoch++;
    for (const one of this.#subscriptions) this.#send(() => this.#broker.register(one));
    this.#setConnected(true);
  }

  /** @internal The broker has a message for a subscription of this connection. */
  arrive(subscription: FakeSubscription, packet: Packet): void {
    const epoch = this.#epoch;
    this.#later(() => {
      if (epoch !== this.#epoch || !subscription.open) return;
      try {
        subscription.onMessage(new FakeMessage(packet));
      } catch (error) {
        this.#broker.errors.push(error);
      }
    });
  }

  #drain(subscription: FakeSubscription): Promise<void> {
    this.#subscriptions.delete(subscription);
    const end = () => {
      subscription.open = false;
    };
    if (!this.#connected) {
      end();
      return Promise.resolve();
    }
    this.#send(() => this.#broker.unregister(subscription));
    return this.flush().then(end, end);
  }

  #unsubscribe(subscription: FakeSubscription): void {
    subscription.open = false;
    this.#subscriptions.delete(subscription);
    if (this.#connected) this.#send(() => this.#broker.unregister(subscription));
  }

  /** Runs at the broker, unless the connection breaks on the way. */
  #send(command: () => void): void {
    const epoch = this.#epoch;
    this.#later(() => {
      if (epoch === this.#epoch) command();
    });
  }

  #later(run: () => void): void {
    this.#broker.clock.after(this.#broker.latencyMs, run);
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) {
      try {
        listener(connected);
      } catch (error) {
        this.#broker.errors.push(error);
      }
    }
  }
}

class FakeSubscription {
  readonly bus: FakeBus;
  readonly tokens: readonly string[];
  readonly queue: string | undefined;
  readonly onMessage: (message: BusMessage) => void;
  /** Whether messages are still delivered. */
  open = true;

  constructor(
    bus: FakeBus,
    subject: string,
    queue: string | undefined,
    onMessage: (message: BusMessage) => void,
  ) {
    this.bus = bus;
    this.tokens = subject.split('.');
    this.queue = queue;
    this.onMessage = onMessage;
  }
}

function blockOf(headers: HeaderPairs | undefined): Uint8Array | undefined {
  return headers === undefined || headers.length === 0 ? undefined : encodeHeaders(headers);
}
