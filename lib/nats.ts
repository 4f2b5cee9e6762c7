// The real bus. A NatsBus owns one Link (a connection of the client), for a moment two:
//
//   dialling   no link yet, or the last one was closed for good; tries all servers, then pauses, for ever
//   linked     one link; when it is lost its client dials by itself, for ever, and subscribes again
//   moving     the link's server shuts down (lame duck): a second link to another server takes over
//              subscriptions and publishes, the first delivers what is on the way, then is closed
//   closed     for good

import { setTimeout as pause } from 'node:timers/promises';
import { AuthorizationError, UserAuthenticationExpiredError } from 'nats';
import type { Logger } from 'pino';
import type { Bus, BusMessage, BusSubscription, PublishOptions, SubscribeOptions } from './bus.ts';
import { busClosed, checkSubscription, notConnected, tooLarge } from './bus-error.ts';
import type { Component } from './lifecycle.ts';
import { parseServerList, type ServerList } from './nats-address.ts';
import { Copies } from './nats-copies.ts';
import { encodeHeaders } from './nats-headers.ts';
import { FLUSH_LIMIT_MS, Link, type LinkEvents, type Outgoing } from './nats-link.ts';
import { NatsSubscription } from './nats-subscription.ts';

/** How to reach NATS. */
export interface NatsBusOptions {
  /** Comma list: `nats://user:password@host:4222,nats://other`; what lies behind them is found out. */
  servers: string;
  /** What the server's monitoring calls this connection. */
  name: string;
  log: Logger;
}

const DEFAULT_MAX_PAYLOAD = 1024 * 1024;
// In a cluster a new subscription takes up to 250 ms to be known everywhere.
const INTEREST_MS = 300;
// How long a second copy of a message may trail the first.
const COPIES_MS = 1000;
const FIRST_REFUSED_PAUSE_MS = 500;
const LONGEST_REFUSED_PAUSE_MS = 5000;

/**
 * The bus on NATS; see `Bus`. `start` it (or give it to a Lifecycle as the first part): nothing waits for the broker,
 * and subscriptions made while there is no server take effect when there is one. The constructor throws when
 * `servers` is no list of addresses.
 */
export class NatsBus implements Bus, Component {
  readonly name = 'nats';
  readonly #clientName: string;
  readonly #servers: ServerList;
  readonly #log: Logger;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(connected: boolean) => void>();
  readonly #subscriptions = new Set<NatsSubscription>();
  readonly #events: LinkEvents;
  #link: Link | undefined;
  #connected = false;
  #maxPayload = DEFAULT_MAX_PAYLOAD;
  #batch: Outgoing[] = [];
  #copies: { readonly old: Link; readonly seen: Copies } | undefined;
  #nextScope = 0;

  constructor(options: NatsBusOptions) {
    this.#clientName = options.name;
    this.#servers = parseServerList(options.servers);
    this.#log = options.log;
    this.#events = {
      onConnected: (link) => this.#onUp(link),
      onDisconnected: (link) => {
        if (link === this.#link) this.#log.warn({ server: link.host }, 'lost the broker');
        this.#tellConnected();
      },
      onLameDuck: (link) => this.#inBackground(this.#move(link)),
      onClosed: (link, error) => this.#onClosed(link, error),
    };
  }

  /** Begins to connect; returns before it is connected. */
  start(): void {
    this.#inBackground(this.#dialAnew());
  }

  stop(): Promise<void> {
    return this.close();
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayload(): number {
    this.#maxPayload = this.#link?.maxPayload ?? this.#maxPayload;
    return this.#maxPayload;
  }

  get clustered(): boolean {
    return this.#link?.clustered ?? false;
  }

  /** `data` must not change before the next turn of the event loop. */
  publish(subject: string, data: Uint8Array, options: PublishOptions = {}): void {
    if (this.#closing.signal.aborted) throw busClosed();
    if (!this.#connected) throw notConnected();
    const { reply, headers } = options;
    const headerBlock = headers === undefined || headers.length === 0 ? undefined : encodeHeaders(headers);
    const bytes = data.length + (headerBlock?.length ?? 0);
    if (bytes > this.maxPayload) throw tooLarge(bytes, this.maxPayload);
    // The client writes once for all that it gets in one go.
    if (this.#batch.length === 0) setImmediate(() => this.#sendBatch());
    this.#batch.push({ subject, data, reply, headerBlock });
  }

  subscribe(
    subject: string,
    onMessage: (message: BusMessage) => void,
    options: SubscribeOptions = {},
  ): BusSubscription {
    if (this.#closing.signal.aborted) throw busClosed();
    checkSubscription(subject, options.queue);
    const scope = this.#nextScope++;
    const subscription = new NatsSubscription(
      subject,
      options.queue,
      (message, link) => {
        try {
          const copies = options.queue === undefined ? this.#copies : undefined;
          if (copies?.seen.isCopy(scope, message, link === copies.old)) return;
          onMessage(message);
        } catch (error) {
          this.#log.error({ err: error, subscription: subject }, 'handling a message failed');
        }
      },
      () => this.#subscriptions.delete(subscription),
    );
    this.#subscriptions.add(subscription);
    if (this.#link !== undefined) subscription.attach(this.#link);
    return subscription;
  }

  /** Rejects at once when not connected, and when the server does not answer within 2 s. */
  async flush(): Promise<void> {
    if (this.#closing.signal.aborted) throw busClosed();
    if (this.#link === undefined || !this.#connected) throw notConnected();
    this.#sendBatch();
    await this.#link.flush(FLUSH_LIMIT_MS);
  }

  onConnection(listener: (connected: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const flushed = this.flush().catch(() => undefined);
    this.#closing.abort();
    await flushed;
    const links = [this.#link, this.#copies?.old];
    await Promise.all(links.map((link) => link?.close()));
    this.#tellConnected();
    this.#listeners.clear();
    this.#subscriptions.clear();
  }

  #sendBatch(): void {
    const batch = this.#batch;
    this.#batch = [];
    // What was collected before the connection went has nowhere to go.
    if (this.#link === undefined || !this.#link.connected) return;
    for (const message of batch) {
      try {
        this.#link.publish(message);
      } catch (error) {
        this.#log.error({ err: error, subject: message.subject }, 'publishing failed');
      }
    }
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error) => this.#log.error({ err: error }, 'keeping the connection failed'));
  }

  async #dialAnew(): Promise<void> {
    const link = await this.#dial(this.#servers, () => true);
    if (link === undefined) return;
    this.#link = link;
    this.#onUp(link);
  }

  /** Tries until a server takes the connection, or it is no longer `wanted`. */
  async #dial(servers: ServerList, wanted: () => boolean): Promise<Link | undefined> {
    const { signal } = this.#closing;
    let refusedPauseMs = FIRST_REFUSED_PAUSE_MS;
    let lastReason = '';
    while (!signal.aborted && wanted()) {
      let pauseMs = 250 + Math.random() * 250;
      try {
        const link = await Link.open(servers, this.#clientName, this.#events, this.#log);
        if (!signal.aborted && wanted()) return link;
        await link.close();
        return undefined;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (isRefusal(error)) {
          pauseMs = refusedPauseMs;
          refusedPauseMs = Math.min(refusedPauseMs * 2, LONGEST_REFUSED_PAUSE_MS);
        }
        const level = isRefusal(error) ? 'error' : 'warn';
        if (reason !== lastReason)
          this.#log[level]({ servers: servers.hosts, reason }, 'cannot connect, retrying');
        lastReason = reason;
      }
      await pause(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  #onUp(link: Link): void {
    if (link !== this.#link) return;
    this.#log.info({ server: link.host }, 'connected to the broker');
    // Also what the server refused before: its permissions may be others now.
    for (const subscription of this.#subscriptions) subscription.attach(link);
    this.#tellConnected();
  }

  #onClosed(link: Link, error: Error | undefined): void {
    for (const subscription of this.#subscriptions) subscription.forget(link);
    if (link !== this.#link || this.#closing.signal.aborted) return;
    this.#log.error(
      { server: link.host, reason: error?.message },
      'the connection was closed for good, opening another',
    );
    this.#link = undefined;
    this.#tellConnected();
    this.#inBackground(this.#dialAnew());
  }

  /** Leaves a server that shuts down. Without another one the link is kept until it breaks, then dials again. */
  async #move(old: Link): Promise<void> {
    if (old !== this.#link) return;
    this.#log.warn({ server: old.host }, 'the broker shuts down, moving to another');
    const hosts = [...new Set([...this.#servers.hosts, ...old.knownHosts])].filter(
      (host) => host !== old.host,
    );
    const servers = hosts.length === 0 ? this.#servers : { ...this.#servers, hosts };
    const link = await this.#dial(servers, () => this.#link === old && old.connected);
    if (link === undefined) return;
    const copies = { old, seen: new Copies() };
    this.#copies = copies;
    this.#sendBatch();
    this.#link = link;
    this.#onUp(link);
    const { signal } = this.#closing;
    await link.flush(FLUSH_LIMIT_MS).catch(() => undefined);
    await pause(INTEREST_MS, undefined, { signal }).catch(() => undefined);
    await Promise.all([...this.#subscriptions].map((one) => one.detach(old, FLUSH_LIMIT_MS)));
    await old.close();
    await pause(COPIES_MS, undefined, { signal, ref: false }).catch(() => undefined);
    if (this.#copies === copies) this.#copies = undefined;
  }

  /** Keeps `connected`; tells the listeners of a change. */
  #tellConnected(): void {
    const link = this.#link;
    const connected = link?.connected === true && !this.#closing.signal.aborted;
    if (connected === this.#connected) return;
    this.#connected = connected;
    for (const listener of this.#listeners) {
      try {
        listener(connected);
      } catch (error) {
        this.#log.error({ err: error }, 'a connection listener failed');
      }
    }
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof AuthorizationError || error instanceof UserAuthenticationExpiredError;
}
