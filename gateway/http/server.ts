import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Component } from '../../lib/lifecycle.ts';
import { randomToken } from '../../lib/random-token.ts';
import { CallError } from '../../protocol/call-error.ts';
import { type ClientError, refusalOf } from './client-error.ts';
import { Connection, type ConnectionHost, TrackedResponse } from './connections.ts';
import { judgeHead } from './framing.ts';
import { type ServerLimits, serverLimits } from './limits.ts';
import { refuse, requestIdOf } from './problem.ts';

export interface ServerOptions {
  /** Name of the part in logs. */
  name: string;
  host: string;
  /** 0 takes a free one: see `HttpServer.port`. */
  port: number;
  log: Logger;
  /** Answers each request that is well framed; what it throws at once becomes 500. */
  listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void;
  limits?: Partial<ServerLimits>;
  /** Default: a random token. */
  newRequestId?: () => string;
  /** The value of NODE_OPTIONS, to refuse an insecure parser that is asked for there. */
  nodeOptions?: string | undefined;
}

/**
 * An HTTP/1.1 listener that lets only well-framed requests through and bounds what a connection can hold.
 * Every refusal is a problem document, is counted, and ends its connection.
 */
export class HttpServer implements Component {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #host: Host;
  readonly #server: Server<typeof IncomingMessage, typeof TrackedResponse>;
  readonly #connections = new Map<Duplex, Connection>();
  #sweep: NodeJS.Timeout | undefined;
  #port = 0;
  #whenEmpty: (() => void) | undefined;
  #lastAcceptErrorAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.#options = options;
    const limits = serverLimits(options.limits);
    this.#host = new Host(limits, options);
    this.#server = createServer({
      ServerResponse: TrackedResponse,
      insecureHTTPParser: false,
      // Judged here, with the duplicates that Node drops.
      requireHostHeader: false,
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.connectionsCheckingIntervalMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
    });
    // One more than allowed, so that the surplus is seen and not dropped.
    this.#server.maxHeadersCount = limits.maxHeaders + 1;
    this.#server.maxConnections = limits.maxConnections;
    this.#server.on('connection', (socket) => this.#onConnection(socket));
    this.#server.on('drop', () => {
      this.#host.dropped += 1;
    });
    this.#server.on('request', (incoming, outgoing) => this.#onRequest(incoming, outgoing));
    this.#server.on('checkContinue', (incoming, outgoing) => this.#onContinue(incoming, outgoing));
    this.#server.on('checkExpectation', (incoming, outgoing) => this.#onExpectation(incoming, outgoing));
    this.#server.on('connect', (_incoming, socket) => this.#onConnect(socket));
    this.#server.on('clientError', (error, socket) => this.#onClientError(error, socket));
    // There is no handler of `upgrade`: without one Node reads such a request as any other.
  }

  /** The port that is listened on; 0 before the start. */
  get port(): number {
    return this.#port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** Requests handed to the listener whose answer is not flushed. */
  get inFlight(): number {
    return this.#host.inFlight;
  }

  /** Requests that wait for the requests before them on their connection. */
  get held(): number {
    return this.#host.held;
  }

  /** Refusals since the start, by status. */
  get refusals(): ReadonlyMap<number, number> {
    return this.#host.refusals;
  }

  /** Connections ended since the start because their caller did not read. */
  get slowReaders(): number {
    return this.#host.slowReaders;
  }

  /** Connections closed since the start because there were too many. */
  get dropped(): number {
    return this.#host.dropped;
  }

  /** Resolves when it listens. Rejects with one clear line when the address cannot be had or the parser is insecure. */
  async start(): Promise<void> {
    const { host, port, nodeOptions = '' } = this.#options;
    if ([...process.execArgv, nodeOptions].some((flag) => flag.includes('--insecure-http-parser'))) {
      throw new Error(
        'the option --insecure-http-parser of Node must not be set: it lets requests be smuggled',
      );
    }
    await new Promise<void>((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
      this.#server.once('error', onError);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', onError);
        resolve();
      });
    });
    this.#port = addressOf(this.#server).port;
    this.#server.on('error', (error) => this.#onAcceptError(error));
    const { connectionsCheckingIntervalMs: everyMs, answerTimeoutMs } = this.#host.limits;
    // An answer is first seen up to one step late and looked at in steps: both count against the limit.
    const unreadLimitMs = Math.max(0, answerTimeoutMs - 2 * everyMs);
    this.#sweep = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#connections.values()) connection.sweep(now, unreadLimitMs);
    }, everyMs).unref();
  }

  /**
   * Takes no more connections, ends each one after its last answer, and idle ones after `drainIdleMs`.
   * Requests that still come go to the listener. Resolves when no connection is left.
   */
  async drain(): Promise<void> {
    this.#host.isDraining = true;
    // The close of an HTTP server would also end its watch over slow requests.
    NetServer.prototype.close.call(this.#server);
    if (this.#connections.size === 0) return;
    // In the phase after the one that reads: a request that has arrived while the loop was busy is no idleness.
    const closeIdle = (): void => void setImmediate(() => this.#closeIdle());
    const idle = setInterval(closeIdle, this.#host.limits.drainIdleMs);
    try {
      await new Promise<void>((resolve) => {
        this.#whenEmpty = resolve;
      });
    } finally {
      clearInterval(idle);
    }
  }

  /** Destroys whatever is left. */
  async stop(): Promise<void> {
    this.#host.isDraining = true;
    clearInterval(this.#sweep);
    this.#server.close();
    for (const socket of this.#connections.keys()) socket.destroy();
    if (this.#connections.size === 0) return;
    await new Promise<void>((resolve) => {
      const drained = this.#whenEmpty;
      this.#whenEmpty = () => {
        drained?.();
        resolve();
      };
    });
  }

  #onConnection(socket: Socket): void {
    this.#connections.set(socket, new Connection(socket, this.#host));
    socket.once('close', () => {
      this.#connections.delete(socket);
      if (this.#connections.size === 0) this.#whenEmpty?.();
    });
  }

  #onRequest(incoming: IncomingMessage, outgoing: TrackedResponse): void {
    const connection = this.#connections.get(incoming.socket);
    if (!connection?.takes(outgoing)) return;
    const error = judgeHead(incoming, this.#host.limits);
    if (error !== undefined) connection.refuse(outgoing, error);
    else if (incoming.url === '*')
      outgoing.writeHead(204, { 'X-Request-Id': this.#requestIdOf(incoming) }).end();
    else connection.admit(outgoing);
  }

  #onContinue(incoming: IncomingMessage, outgoing: TrackedResponse): void {
    const announced = Number(incoming.headers['content-length'] ?? 0);
    const limitBytes = this.#host.limits.maxBodyBytes();
    if (announced > limitBytes) {
      const detail = `the body has ${announced} bytes, allowed are ${limitBytes}`;
      const extra = { gotBytes: announced, limitBytes };
      this.#refuse(incoming, outgoing, new CallError('payload_too_large', detail, { extra }));
      return;
    }
    outgoing.wantsContinue = true;
    this.#onRequest(incoming, outgoing);
  }

  #onExpectation(incoming: IncomingMessage, outgoing: TrackedResponse): void {
    const detail = 'the expectation cannot be met, allowed is 100-continue';
    this.#refuse(incoming, outgoing, new CallError('bad_request', detail, { status: 417 }));
  }

  /** Refuses a request for `error`, or for its framing where that is wrong as well. */
  #refuse(incoming: IncomingMessage, outgoing: TrackedResponse, error: CallError): void {
    const connection = this.#connections.get(incoming.socket);
    if (!connection?.takes(outgoing)) return;
    connection.refuse(outgoing, judgeHead(incoming, this.#host.limits) ?? error);
  }

  #onConnect(socket: Duplex): void {
    // Node has taken its own handlers off.
    socket.on('error', () => socket.destroy());
    const headers = { Allow: 'GET, HEAD, OPTIONS, POST' };
    const error = new CallError('method_not_allowed', 'CONNECT is not allowed: this is not a proxy', {
      headers,
    });
    this.#connections.get(socket)?.fail(error);
  }

  #onClientError(error: ClientError, socket: Duplex): void {
    const refusal = refusalOf(error, this.#host.limits);
    const connection = this.#connections.get(socket);
    if (refusal === undefined || connection === undefined) socket.destroy();
    else connection.fail(refusal);
  }

  #closeIdle(): void {
    // Node knows which have begun a request; a connection without its first byte counts as one that has.
    this.#server.closeIdleConnections();
    for (const connection of this.#connections.values()) {
      if (connection.socket.bytesRead === 0 && connection.isIdle) connection.socket.destroy();
    }
  }

  /** Out of descriptors, most likely: goes on, and says so at most once a second. */
  #onAcceptError(error: Error): void {
    const now = performance.now();
    if (now - this.#lastAcceptErrorAt < 1000) return;
    this.#lastAcceptErrorAt = now;
    this.#options.log.error({ part: this.name, err: error }, 'cannot take a connection');
  }

  #requestIdOf(incoming: IncomingMessage): string {
    return requestIdOf(incoming, this.#host.newRequestId);
  }
}

/** What all connections of a server share. */
class Host implements ConnectionHost {
  readonly limits: ServerLimits;
  readonly newRequestId: () => string;
  readonly refusals = new Map<number, number>();
  isDraining = false;
  inFlight = 0;
  held = 0;
  slowReaders = 0;
  dropped = 0;
  readonly #options: ServerOptions;

  constructor(limits: ServerLimits, options: ServerOptions) {
    this.limits = limits;
    this.newRequestId = options.newRequestId ?? randomToken;
    this.#options = options;
  }

  run(response: TrackedResponse): void {
    try {
      this.#options.listener(response.req, response);
    } catch (error) {
      this.#options.log.error({ part: this.#options.name, err: error }, 'the listener threw');
      if (response.headersSent) response.destroy();
      else refuse(response, CallError.from(error), requestIdOf(response.req, this.newRequestId));
    }
  }

  refused(error: CallError, requestId: string): void {
    this.refusals.set(error.status, (this.refusals.get(error.status) ?? 0) + 1);
    const { name, log } = this.#options;
    log.debug(
      { part: name, requestId, status: error.status, code: error.code, detail: error.message },
      'refused',
    );
  }
}

function addressOf(server: NetServer): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address;
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(`port ${port} on ${host} is taken`, { cause: error });
    case 'EACCES':
      return new Error(`port ${port} on ${host} may not be opened by this user`, { cause: error });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`${host} is not an address of this machine`, { cause: error });
    default:
      return new Error(`cannot listen on port ${port} of ${host}: ${error.message}`, { cause: error });
  }
}
