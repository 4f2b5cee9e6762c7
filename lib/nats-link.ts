import {
  connect,
  type Msg,
  MsgHdrsImpl,
  MsgImpl,
  type NatsConnection,
  PermissionViolationError,
  type Subscription,
} from 'nats';
import type { Logger } from 'pino';
import { type BusMessage, type MessageHeaders, NO_DATA } from './bus.ts';
import { BusError } from './bus-error.ts';
import type { ServerList } from './nats-address.ts';
import { decodeHeaders, isNoResponders, NO_HEADERS } from './nats-headers.ts';
import { withTimeout } from './with-timeout.ts';

/** One message, its headers encoded already. */
export interface Outgoing {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  readonly headerBlock: Uint8Array | undefined;
}

/** What a link tells its owner. */
export interface LinkEvents {
  onConnected(link: Link): void;
  /** Lost; the client dials again by itself, for ever. */
  onDisconnected(link: Link): void;
  /** Its server is about to shut down. */
  onLameDuck(link: Link): void;
  /** The client gave up for good, or `close` was called. */
  onClosed(link: Link, error: Error | undefined): void;
}

/** A subscription on one link; `closed` when the server refused it. */
export type LinkSubscription = Pick<Subscription, 'isClosed' | 'unsubscribe'> & {
  /** Resolves when everything on the way was delivered, or after `limitMs`; then it is gone. */
  drain(limitMs: number): Promise<void>;
};

/** How long a flush or a drain may take, in milliseconds. */
export const FLUSH_LIMIT_MS = 2000;
const CONNECT_TIMEOUT_MS = 1500;
// A dead link is noticed at the third interval: within 5.4 s.
const PING_INTERVAL_MS = 1800;

/** One connection of the client: the only place that calls it. */
export class Link {
  readonly #nc: NatsConnection;
  readonly #events: LinkEvents;
  readonly #log: Logger;
  readonly #refused = new Set<string>();
  readonly #headers = new HeaderBlock();
  #connected = true;
  #lameDuck = false;

  /** Tries every server once; rejects when none takes it. */
  static async open(servers: ServerList, name: string, events: LinkEvents, log: Logger): Promise<Link> {
    const nc = await connect({
      servers: [...servers.hosts],
      name,
      ...(servers.user === undefined ? {} : { user: servers.user }),
      ...(servers.password === undefined ? {} : { pass: servers.password }),
      ...(servers.token === undefined ? {} : { token: servers.token }),
      ...(servers.tls ? { tls: {} } : {}),
      noAsyncTraces: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      reconnectJitterTLS: 250,
      pingInterval: PING_INTERVAL_MS,
      maxPingOut: 2,
      timeout: CONNECT_TIMEOUT_MS,
    });
    return new Link(nc, events, log);
  }

  constructor(nc: NatsConnection, events: LinkEvents, log: Logger) {
    this.#nc = nc;
    this.#events = events;
    this.#log = log;
    void this.#follow();
    void nc.closed().then((error) => {
      this.#connected = false;
      events.onClosed(this, error ?? undefined);
    });
  }

  get connected(): boolean {
    return this.#connected;
  }

  /** Undefined while the client dials. */
  get maxPayload(): number | undefined {
    return this.#nc.info?.max_payload;
  }

  /** Whether the server says that it has, or may have, neighbours. */
  get clustered(): boolean {
    const info = this.#nc.info;
    return info?.cluster !== undefined || (info?.connect_urls?.length ?? 0) > 1;
  }

  /** `host:port` of the server it is, or was last, connected to. */
  get host(): string {
    return this.#nc.getServer();
  }

  /** `host:port` of every server that it knows of, those that were found out included. */
  get knownHosts(): string[] {
    return this.#nc.getServers().map((server) => server.listen);
  }

  publish(message: Outgoing): void {
    const { subject, data, reply = '', headerBlock } = message;
    if (headerBlock === undefined) this.#nc.publish(subject, data, { reply });
    else this.#nc.publish(subject, data, { reply, headers: this.#headers.of(headerBlock) });
  }

  /** `onMessage` must not throw: that would end the reader of the whole connection. */
  subscribe(
    subject: string,
    queue: string | undefined,
    onMessage: (message: BusMessage) => void,
  ): LinkSubscription {
    const subscription = this.#nc.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      // An error is the server's refusal: it arrives as a status too, and is logged there.
      callback: (error, message) => {
        if (error === null) onMessage(new NatsMessage(message));
      },
    });
    return {
      isClosed: () => subscription.isClosed(),
      unsubscribe: () => subscription.unsubscribe(),
      drain: async (limitMs) => {
        if (this.#connected && !subscription.isClosed()) {
          await within(limitMs, 'drain', subscription.drain()).catch(() => undefined);
        }
        if (!subscription.isClosed()) subscription.unsubscribe();
      },
    };
  }

  /** Rejects when the server does not answer within `limitMs`. */
  flush(limitMs: number): Promise<void> {
    return within(limitMs, 'flush', this.#nc.flush());
  }

  close(): Promise<void> {
    return this.#nc.close();
  }

  async #follow(): Promise<void> {
    for await (const status of this.#nc.status()) {
      if (status.type === 'disconnect' && this.#connected) {
        this.#connected = false;
        this.#events.onDisconnected(this);
      } else if (status.type === 'reconnect') {
        this.#connected = true;
        this.#lameDuck = false;
        this.#refused.clear();
        this.#events.onConnected(this);
      } else if (status.type === 'ldm' && !this.#lameDuck) {
        this.#lameDuck = true;
        this.#events.onLameDuck(this);
      } else if (status.type === 'error') {
        this.#logError(status.error);
      }
    }
  }

  /** The server's complaints; a refused subject is told once, since each message to it is refused. */
  #logError(error: Error): void {
    if (!(error instanceof PermissionViolationError)) {
      this.#log.error({ reason: error.message }, 'the broker reports an error');
      return;
    }
    const { operation, subject } = error;
    const key = `${operation} ${subject}`;
    if (this.#refused.has(key)) return;
    if (this.#refused.size >= 1000) this.#refused.clear();
    this.#refused.add(key);
    this.#log.error({ operation, subject }, 'the broker refuses this subject');
  }
}

/** A header block that is encoded already, in the shape that the client takes. The client reads it at once. */
class HeaderBlock extends MsgHdrsImpl {
  #block: Uint8Array = NO_DATA;

  of(block: Uint8Array): this {
    this.#block = block;
    return this;
  }

  override encode(): Uint8Array {
    return this.#block;
  }
}

class NatsMessage implements BusMessage {
  readonly #message: Msg;
  #decoded = false;
  #headers: MessageHeaders | undefined;

  constructor(message: Msg) {
    this.#message = message;
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  get reply(): string | undefined {
    return this.#message.reply || undefined;
  }

  get noResponders(): boolean {
    if (this.#message.data.length > 0) return false;
    const block = headerBlockOf(this.#message);
    return block !== undefined && isNoResponders(block);
  }

  headers(): MessageHeaders | undefined {
    if (!this.#decoded) {
      this.#decoded = true;
      const block = headerBlockOf(this.#message);
      this.#headers = block === undefined ? NO_HEADERS : decodeHeaders(block);
    }
    return this.#headers;
  }
}

/** The raw block: the client's own decoder throws on what it does not like. */
function headerBlockOf(message: Msg): Uint8Array | undefined {
  if (!(message instanceof MsgImpl)) throw new TypeError('the NATS client delivers another kind of message');
  return message._msg.hdr > 0 ? message._rdata.subarray(0, message._msg.hdr) : undefined;
}

function within(limitMs: number, what: string, promise: Promise<void>): Promise<void> {
  return withTimeout(promise, limitMs, () => {
    throw new BusError('timeout', `the broker did not answer a ${what} within ${limitMs} ms`);
  });
}
