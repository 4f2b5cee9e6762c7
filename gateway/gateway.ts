import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { getRequestListener } from '@hono/node-server';
import type { Logger } from 'pino';
import { awaitConnection } from '../lib/await-connection.ts';
import type { Bus } from '../lib/bus.ts';
import { systemClock } from '../lib/clock.ts';
import { Lifecycle } from '../lib/lifecycle.ts';
import { NatsBus } from '../lib/nats.ts';
import { randomToken } from '../lib/random-token.ts';
import { CallError } from '../protocol/call-error.ts';
import { Subjects } from '../protocol/subjects.ts';
import { createAdminApp, createApp } from './app.ts';
import { Dispatcher } from './dispatch/dispatcher.ts';
import { brokerUnavailable, draining, underPressure } from './failures.ts';
import { problemResponse } from './http/answer.ts';
import { Exchanges } from './http/request.ts';
import { HttpServer } from './http/server.ts';
import { Metrics } from './metrics.ts';
import { memoryLimit, pressure } from './pressure.ts';
import type { App } from './routes/base.ts';
import type { Readiness } from './routes/health.ts';

/** All that a gateway can be told; `cli/gateway.ts` has the names, defaults and help texts. */
export interface GatewaySettings {
  host: string;
  /** 0 = any free port. */
  port: number;
  /** On loopback; 0 = none. */
  adminPort: number;
  /** Comma list. */
  natsUrl: string;
  subjectPrefix: string;
  deadlineMs: number;
  maxDeadlineMs: number;
  /** undefined = what the broker's max_payload leaves. */
  maxBodyBytes: number | undefined;
  maxInFlight: number;
  /** `Retry-After` of `no_responders`, in seconds. */
  retryAfterS: number;
  drainMs: number;
  /** false = a call that finds no free slot is refused at once. */
  parking: boolean;
  /** false = parked calls wait until their deadline, however hopeless. */
  earlyRefusal: boolean;
  /** Bytes of bodies parked for one function and group; undefined = a sixteenth of the memory. */
  maxParkedBytes: number | undefined;
}

/** How long the broker may be away before the gateway calls itself not ready. */
const UNREADY_AFTER_MS = 2000;

/** What the last answers need to leave the process. */
const LAST_ANSWERS_MS = 100;
/** How long the start waits for the broker. */
const CONNECT_WAIT_MS = 2000;

/**
 * One gateway: NATS, dispatch and the two HTTP listeners, started in this order and ended in reverse, so that
 * callers go first and NATS last.
 */
export class Gateway {
  readonly id = `gw-${randomToken()}`;
  readonly #settings: GatewaySettings;
  readonly #bus: NatsBus;
  readonly #lifecycle: Lifecycle;
  readonly #server: HttpServer;
  readonly #admin: HttpServer | undefined;
  #isDraining = false;
  #lostAt: number | undefined = Number.NEGATIVE_INFINITY;

  constructor(settings: GatewaySettings, log: Logger) {
    this.#settings = settings;
    this.#bus = new NatsBus({ servers: settings.natsUrl, name: this.id, log });
    const subjects = new Subjects(settings.subjectPrefix);
    const dispatch = new Dispatcher({
      gateway: this.id,
      bus: this.#bus,
      clock: systemClock,
      subjects,
      retryAfterS: settings.retryAfterS,
      isParkingOn: settings.parking,
      waitQueue: {
        earlyRefusal: settings.earlyRefusal,
        maxBytes: settings.maxParkedBytes ?? memoryLimit() / 16,
      },
    });
    const metrics = new Metrics({ dispatch, bus: this.#bus, clock: systemClock });
    if (settings.adminPort !== 0) metrics.addProcess();
    const app = this.#publicApp(dispatch, metrics, log);
    this.#server = this.#listener('http', settings.host, settings.port, app, log);
    this.#admin =
      settings.adminPort === 0
        ? undefined
        : this.#listener(
            'admin',
            '127.0.0.1',
            settings.adminPort,
            createAdminApp({ readiness: this.#readiness, log, metrics }),
            log,
          );
    const dispatchPart = {
      name: 'dispatch',
      start: () => dispatch.start(),
      // Comes after the listeners': whoever waits still has outlasted the drain.
      drain: async () => {
        if (dispatch.pending === 0) return;
        dispatch.endAll();
        await pause(LAST_ANSWERS_MS);
      },
      stop: () => dispatch.stop(),
    };
    const busPart = {
      name: 'nats',
      start: () => {
        this.#bus.start();
        return awaitConnection(this.#bus, systemClock, CONNECT_WAIT_MS);
      },
      stop: () => this.#bus.close(),
    };
    const admin = this.#admin === undefined ? [] : [this.#admin];
    this.#lifecycle = new Lifecycle([busPart, dispatchPart, ...admin, this.#server], log);
    this.#bus.onConnection((connected) => {
      this.#lostAt = connected ? undefined : systemClock.now();
    });
  }

  get port(): number {
    return this.#server.port;
  }

  /** 0 without an admin listener. */
  get adminPort(): number {
    return this.#admin?.port ?? 0;
  }

  async start(): Promise<void> {
    await this.#lifecycle.start();
  }

  /** Answers what it has, refuses what comes, then stops; at most `drainMs` plus a second. */
  async end(): Promise<void> {
    this.#isDraining = true;
    await this.#lifecycle.end(this.#settings.drainMs);
  }

  async stop(): Promise<void> {
    this.#isDraining = true;
    await this.#lifecycle.stop(1000);
  }

  readonly #readiness: Readiness = () => {
    if (this.#isDraining) return draining();
    const isLost = this.#lostAt !== undefined && systemClock.now() - this.#lostAt > UNREADY_AFTER_MS;
    if (isLost) return brokerUnavailable();
    const full = pressure();
    return full === undefined ? undefined : underPressure(full.resource, full.used / full.limit);
  };

  #publicApp(dispatch: Dispatcher, metrics: Metrics, log: Logger): App {
    const { deadlineMs, maxDeadlineMs, maxBodyBytes, maxInFlight } = this.#settings;
    const bus: Bus = this.#bus;
    return createApp({
      functions: {
        dispatch,
        bus,
        clock: systemClock,
        log,
        budget: { defaultMs: deadlineMs, maxMs: maxDeadlineMs },
        maxBodyBytes,
        maxInFlight,
        isDraining: () => this.#isDraining,
        onEnded: (fn, outcome, elapsedMs) => metrics.ended(fn, outcome, elapsedMs),
      },
      readiness: this.#readiness,
      log,
    });
  }

  #listener(name: string, host: string, port: number, app: App, log: Logger): HttpServer {
    const exchanges = new Exchanges(systemClock);
    const listener = getRequestListener(
      (request, env) => app.fetch(request, { exchange: exchanges.of(...socketsOf(env)) }),
      {
        overrideGlobalObjects: true,
        errorHandler: (error) => {
          log.debug({ err: error }, 'a request that is no request');
          return problemResponse(
            new CallError('bad_request', 'the target or Host of the request is not valid'),
            {
              requestId: randomToken(),
            },
          );
        },
      },
    );
    return new HttpServer({
      name,
      host,
      port,
      log,
      listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void listener(incoming, outgoing),
      limits: {
        maxBodyBytes: () =>
          Math.min(this.#settings.maxBodyBytes ?? Number.POSITIVE_INFINITY, this.#bus.maxPayload),
      },
    });
  }
}

/** The server speaks HTTP/1.1 only, so its sockets are never those of HTTP/2. */
function socketsOf(env: { incoming: unknown; outgoing: unknown }): [IncomingMessage, ServerResponse] {
  return [env.incoming as IncomingMessage, env.outgoing as ServerResponse];
}
