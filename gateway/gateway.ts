import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { awaitConnection } from '../lib/await-connection.ts';
import { systemClock as clock } from '../lib/clock.ts';
import { type Component, Lifecycle } from '../lib/lifecycle.ts';
import { LogSampler } from '../lib/log-sampler.ts';
import { NatsBus } from '../lib/nats.ts';
import { randomToken } from '../lib/random-token.ts';
import type { CallError } from '../protocol/call-error.ts';
import { Subjects } from '../protocol/subjects.ts';
import { createAdminApp, createApp } from './app.ts';
import { appServer } from './app-server.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import type { HttpServer } from './http/server.ts';
import { Metrics } from './metrics.ts';
import { Overload } from './overload.ts';
import { memoryLimit } from './pressure.ts';
import { Readiness } from './readiness.ts';
import type { App } from './routes/base.ts';
import { FunctionCalls } from './routes/functions.ts';
import type { GatewaySettings } from './settings.ts';

/** How long the start waits for the broker. */
const CONNECT_WAIT_MS = 2000;
/** What the last answers need to leave the process. */
const LAST_ANSWERS_MS = 100;

/**
 * One gateway. It starts in this order and ends in reverse, so that callers leave first and NATS last:
 *
 *   1. nats      the connection to the broker; a broker that is absent for now does not stop the start
 *   2. dispatch  finds workers for calls
 *   3. admin     health and metrics on loopback, if there is a port for it
 *   4. http      the public routes. It drains first: every answer but a new connection
 *
 * Everything is built in the constructor; nothing listens, connects or ticks before `start`.
 */
export class Gateway {
  readonly id = `gw-${randomToken()}`;
  readonly metrics: Metrics;
  readonly #settings: GatewaySettings;
  readonly #log: Logger;
  readonly #bus: NatsBus;
  readonly #dispatch: Dispatcher;
  readonly #readiness: Readiness;
  readonly #admin: HttpServer | undefined;
  readonly #http: HttpServer;
  readonly #overload = new Overload(clock);
  readonly #lifecycle: Lifecycle;

  constructor(settings: GatewaySettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#bus = new NatsBus({ servers: settings.natsUrl, name: this.id, log });
    this.#readiness = new Readiness(this.#bus, clock);
    this.#dispatch = this.#newDispatcher();
    this.metrics = new Metrics({ dispatch: this.#dispatch, bus: this.#bus, clock });
    this.#admin = this.#newAdminServer();
    this.#http = this.#newHttpServer();
    const servers = this.#admin === undefined ? [this.#http] : [this.#admin, this.#http];
    this.#lifecycle = new Lifecycle(
      [this.#busComponent(), this.#dispatchComponent(), this.#overload, ...servers],
      log,
    );
  }

  /** The public port; 0 before the start. */
  get port(): number {
    return this.#http.port;
  }

  /** 0 without an admin server. */
  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  /** Why it should get no calls now; undefined when it should. */
  refusal(): CallError | undefined {
    return this.#readiness.refusal();
  }

  /** Resolves when it takes calls, with or without a broker. Rejects when a port cannot be had. */
  async start(): Promise<void> {
    await this.#lifecycle.start();
  }

  /** Answers the calls it has, refuses new ones, then stops; at most `drainMs` plus a second. */
  async end(): Promise<void> {
    this.#readiness.drain();
    await this.#lifecycle.end(this.#settings.drainMs);
  }

  /**
   * As `end`, but answers the calls that still come on open connections too, since the caller has nowhere else to go
   * before it has read `Connection: close`. For one whose port others go on listening to.
   */
  async leave(): Promise<void> {
    await this.#lifecycle.end(this.#settings.drainMs);
  }

  /** Stops without answering what is under way. */
  async stop(): Promise<void> {
    this.#readiness.drain();
    await this.#lifecycle.stop(1000);
  }

  #busComponent(): Component {
    return {
      name: 'nats',
      start: () => {
        this.#bus.start();
        return awaitConnection(this.#bus, clock, CONNECT_WAIT_MS);
      },
      stop: () => this.#bus.close(),
    };
  }

  #dispatchComponent(): Component {
    const dispatch = this.#dispatch;
    return {
      name: 'dispatch',
      start: () => dispatch.start(),
      // The servers have drained by now: a call that is still pending has outlasted the drain.
      drain: async () => {
        if (dispatch.pending === 0) return;
        dispatch.endAll();
        await pause(LAST_ANSWERS_MS);
      },
      stop: () => dispatch.stop(),
    };
  }

  #newDispatcher(): Dispatcher {
    const { subjectPrefix, retryAfterS, parking, earlyRefusal, maxParkedBytes } = this.#settings;
    return new Dispatcher({
      gateway: this.id,
      bus: this.#bus,
      clock,
      subjects: new Subjects(subjectPrefix),
      retryAfterS,
      isParkingOn: parking,
      waitQueue: { earlyRefusal, maxBytes: maxParkedBytes ?? memoryLimit() / 16 },
    });
  }

  #newAdminServer(): HttpServer | undefined {
    const { adminPort } = this.#settings;
    if (adminPort === 0) return undefined;
    this.metrics.addProcess();
    const app = createAdminApp({ readiness: this.#readiness, log: this.#log, metrics: this.metrics });
    return this.#newServer('admin', '127.0.0.1', adminPort, app);
  }

  #newHttpServer(): HttpServer {
    const { host, port, deadlineMs, maxDeadlineMs, maxBodyBytes, maxInFlight } = this.#settings;
    const calls = new FunctionCalls({
      dispatch: this.#dispatch,
      bus: this.#bus,
      clock,
      log: this.#log,
      budget: { defaultMs: deadlineMs, maxMs: maxDeadlineMs },
      overload: this.#overload,
      failureLog: new LogSampler(clock),
      maxBodyBytes,
      maxInFlight,
      isDraining: () => this.#readiness.isDraining,
      onEnded: (fn, outcome, elapsedMs) => this.metrics.ended(fn, outcome, elapsedMs),
    });
    const app = createApp({ readiness: this.#readiness, log: this.#log });
    return this.#newServer('http', host, port, app, calls);
  }

  #newServer(name: string, host: string, port: number, app: App, calls?: FunctionCalls): HttpServer {
    const { maxBodyBytes = Number.POSITIVE_INFINITY } = this.#settings;
    const limits = { maxBodyBytes: () => Math.min(maxBodyBytes, this.#bus.maxPayload) };
    return appServer({
      name,
      host,
      port,
      log: this.#log,
      limits,
      clock,
      app,
      ...(calls === undefined ? {} : { calls }),
    });
  }
}
