import type { Bus, BusMessage, BusSubscription, PublishOptions, SubscribeOptions } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import type { FakeBroker, FakeBus } from '../support/fake-bus.ts';
import type { FakeClock } from '../support/fake-clock.ts';

/** What the model hears of a host. */
export interface HostHooks {
  /** A message is about to be handled; `heldMs` is how long it waited in a stopped process. */
  onMessage?: (message: BusMessage, heldMs: number) => void;
  onPublish?: (subject: string, options: PublishOptions | undefined) => void;
}

export interface HostOptions {
  name: string;
  clock: FakeClock;
  broker: FakeBroker;
  wallOffsetMs: number;
  /** Where its monotonic clock stands at the start. */
  startMs: number;
  hooks?: HostHooks;
}

interface Waiting {
  readonly at: number;
  /** It goes with the connection when that breaks. */
  readonly isMessage?: boolean;
  readonly run: () => void;
}

/**
 * One process with its clock and its connection. It can be stopped and continued as by SIGSTOP and SIGCONT (its
 * timers and messages wait), slowed down (messages to it take longer, in order), cut off, and killed.
 */
export class Host {
  readonly name: string;
  readonly wallOffsetMs: number;
  readonly clock: Clock;
  readonly bus: Bus;
  readonly connection: FakeBus;
  /** Milliseconds that a message to this host takes beyond the broker's latency. */
  delayMs = 0;
  isFrozen = false;
  isKilled = false;
  readonly #world: FakeClock;
  readonly #timers = new Set<() => void>();
  #heldTimers: Waiting[] = [];
  #queue: Waiting[] = [];
  #cancelPump: (() => void) | undefined;

  constructor({ name, clock, broker, wallOffsetMs, startMs, hooks = {} }: HostOptions) {
    this.name = name;
    this.wallOffsetMs = wallOffsetMs;
    this.#world = clock;
    this.connection = broker.connect(name);
    this.clock = this.#clockOf(clock.host({ wallOffsetMs, startMs }));
    this.bus = new HostBus(this, hooks);
  }

  get isUp(): boolean {
    return !this.isFrozen && !this.isKilled && this.connection.connected;
  }

  /** Messages wait that were sent while it was slow or stopped. */
  get isBehind(): boolean {
    return this.#queue.length > 0;
  }

  freeze(): void {
    this.isFrozen = true;
    this.#cancelPump?.();
    this.#cancelPump = undefined;
  }

  /** What waited is handled now: the operating system does not say whether timers or messages go first. */
  thaw(timersFirst: boolean): void {
    if (!this.isFrozen || this.isKilled) return;
    this.isFrozen = false;
    const timers = this.#heldTimers;
    this.#heldTimers = [];
    this.#queue = timersFirst ? [...timers, ...this.#queue] : [...this.#queue, ...timers];
    this.#pump();
  }

  kill(): void {
    this.isKilled = true;
    this.freeze();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#queue = [];
    this.#heldTimers = [];
    this.connection.disconnect();
  }

  /** What is on the way is lost; what a stopped process had received is not. */
  cut(): void {
    if (!this.isFrozen) {
      this.#queue = this.#queue.filter(({ isMessage }) => isMessage !== true);
    }
    this.connection.disconnect();
  }

  mend(): void {
    if (!this.isKilled) this.connection.reconnect();
  }

  /** @internal */
  receive(message: BusMessage, handle: (message: BusMessage, heldMs: number) => void): void {
    const at = this.#world.now() + this.delayMs;
    this.enqueue(() => handle(message, this.#world.now() - at), this.delayMs, true);
  }

  /** @internal Runs in its turn, at once when nothing waits. */
  enqueue(run: () => void, delayMs = 0, isMessage = false): void {
    if (this.isKilled) return;
    if (delayMs === 0 && !this.isFrozen && this.#queue.length === 0) return run();
    this.#queue.push({ at: this.#world.now() + delayMs, run, isMessage });
    this.#pump();
  }

  #pump(): void {
    const [next] = this.#queue;
    if (next === undefined || this.isFrozen || this.#cancelPump !== undefined) return;
    this.#cancelPump = this.#world.after(Math.max(0, next.at - this.#world.now()), () => {
      this.#cancelPump = undefined;
      this.#queue.shift()?.run();
      this.#pump();
    });
  }

  #clockOf(own: Clock): Clock {
    return {
      now: () => own.now(),
      wall: () => own.wall(),
      after: (ms, run) => this.#timer(own, ms, run, false),
      every: (ms, run) => this.#timer(own, ms, run, true),
    };
  }

  /** A repeating one counts from when it ran, so that it runs once after a stop, however long that was. */
  #timer(own: Clock, ms: number, run: () => void, repeats: boolean): () => void {
    if (this.isKilled) return () => undefined;
    let isOver = false;
    let cancelOwn = (): void => undefined;
    const cancel = (): void => {
      isOver = true;
      this.#timers.delete(cancel);
      cancelOwn();
    };
    const go = (): void => {
      if (isOver) return;
      if (repeats) arm();
      else this.#timers.delete(cancel);
      run();
    };
    const arm = (): void => {
      cancelOwn = own.after(ms, () => {
        if (this.isFrozen) this.#heldTimers.push({ at: 0, run: go });
        else go();
      });
    };
    this.#timers.add(cancel);
    arm();
    return cancel;
  }
}

/** The host's connection as its process sees it. */
class HostBus implements Bus {
  readonly #host: Host;
  readonly #hooks: HostHooks;
  /** As the process knows: it learns of a change when it runs. */
  #connected: boolean;

  constructor(host: Host, hooks: HostHooks) {
    this.#host = host;
    this.#hooks = hooks;
    this.#connected = host.connection.connected;
    host.connection.onConnection((connected) => {
      host.enqueue(() => {
        this.#connected = connected;
      });
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayload(): number {
    return this.#host.connection.maxPayload;
  }

  get clustered(): boolean {
    return this.#host.connection.clustered;
  }

  publish(subject: string, data: Uint8Array, options?: PublishOptions): void {
    const { connection } = this.#host;
    this.#hooks.onPublish?.(subject, options);
    // A process that does not know yet loses what it sends.
    if (this.#connected && !connection.connected) return;
    connection.publish(subject, data, options);
  }

  subscribe(
    subject: string,
    onMessage: (message: BusMessage) => void,
    options?: SubscribeOptions,
  ): BusSubscription {
    const host = this.#host;
    let isOpen = true;
    const handle = (message: BusMessage, heldMs: number) => {
      if (!isOpen) return;
      this.#hooks.onMessage?.(message, heldMs);
      onMessage(message);
    };
    const inner = host.connection.subscribe(subject, (message) => host.receive(message, handle), options);
    return {
      drain: async () => {
        await inner.drain();
        await new Promise<void>((resolve) => host.enqueue(resolve, host.delayMs));
        isOpen = false;
      },
      unsubscribe: () => {
        isOpen = false;
        inner.unsubscribe();
      },
    };
  }

  async flush(): Promise<void> {
    await this.#host.connection.flush();
    await new Promise<void>((resolve) => this.#host.enqueue(resolve));
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    return this.#host.connection.onConnection((connected) => {
      this.#host.enqueue(() => listener(connected));
    });
  }

  close(): Promise<void> {
    return this.#host.connection.close();
  }
}
