import { createServer, type Server } from 'node:http';
import { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Component } from '../../lib/lifecycle.ts';
import { CallError } from '../../protocol/call-error.ts';
import { bodyTooLarge, TrackedRequest } from './body.ts';
import { type ClientError, refusalOf } from './client-error.ts';
import type { ServerCounts } from './connection.ts';
import { validateHead } from './framing.ts';
import { type ServerLimits, serverLimits } from './limits.ts';
import { listen } from './listen.ts';
import { type ConnectionsOptions, OpenConnections } from './open-connections.ts';
import { TrackedResponse } from './response.ts';

/** What an HttpServer is made of. */
export interface ServerOptions extends ConnectionsOptions {
  host: string;
  /** 0 picks a free port: see `HttpServer.port`. */
  port: number;
  limits?: Partial<ServerLimits>;
  /** The value of NODE_OPTIONS, to refuse an insecure parser that is asked for there. */
  nodeOptions?: string | undefined;
}

/**
 * An HTTP/1.1 server that lets only well-framed requests through and bounds what a connection can hold.
 * Every refusal is a problem document, is counted, and ends its connection.
 */
export class HttpServer implements Component {
  readonly name: string;
  readonly #options: ServerOptions;
  readonly #limits: ServerLimits;
  readonly #connections: OpenConnections;
  readonly #server: Server<typeof TrackedRequest, typeof TrackedResponse>;
  #port = 0;
  #lastAcceptErrorAt = Number.NEGATIVE_INFINITY;

  constructor(options: ServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#limits = serverLimits(options.limits);
    this.#connections = new OpenConnections(options, this.#limits);
    this.#server = createServer({
      IncomingMessage: TrackedRequest,
      ServerResponse: TrackedResponse,
      insecureHTTPParser: false,
      // Validated here, together with the duplicates that Node drops.
      requireHostHeader: false,
      maxHeaderSize: this.#limits.maxHeaderBytes,
      headersTimeout: this.#limits.headersTimeoutMs,
      requestTimeout: this.#limits.requestTimeoutMs,
      connectionsCheckingInterval: this.#limits.connectionsCheckingIntervalMs,
      keepAliveTimeout: this.#limits.keepAliveTimeoutMs,
    });
    // One more than allowed: Node drops the surplus, and validation must see it.
    this.#server.maxHeadersCount = this.#limits.maxHeaders + 1;
    this.#server.maxConnections = this.#limits.maxConnections;
    this.#server.on('connection', (socket) => this.#connections.add(socket));
    this.#server.on('drop', () => {
      this.counts.dropped += 1;
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

  /** Number of open connections. */
  get connections(): number {
    return this.#connections.size;
  }

  /** What happens on the connections, and has happened. */
  get counts(): ServerCounts {
    return this.#connections.counts;
  }

  /** Resolves when it listens. Rejects with one clear line when the address cannot be had or the parser is insecure. */
  async start(): Promise<void> {
    const { host, port, nodeOptions = '' } = this.#options;
    if ([...process.execArgv, nodeOptions].some((flag) => flag.includes('--insecure-http-parser'))) {
      throw new Error("Node's option --insecure-http-parser must not be set: it allows request smuggling");
    }
    this.#port = await listen(this.#server, host, port);
    this.#server.on('error', (error) => this.#onAcceptError(error));
    this.#connections.startSweeps();
  }

  /**
   * Takes no more connections, ends each one after its last answer, and idle ones after `drainIdleMs`.
   * Requests that still come go to the listener. Resolves when no connection is left.
   */
  async drain(): Promise<void> {
    // The close of an HTTP server would also end its timeouts of slow requests.
    NetServer.prototype.close.call(this.#server);
    await this.#connections.drain(() => this.#server.closeIdleConnections());
  }

  /** Destroys whatever is left. */
  async stop(): Promise<void> {
    this.#server.close();
    await this.#connections.stop();
  }

  #onRequest(incoming: TrackedRequest, outgoing: TrackedResponse): void {
    const connection = this.#connections.of(incoming.socket);
    if (!connection?.takes(outgoing)) return;
    const error = validateHead(incoming, this.#limits);
    if (error !== undefined) connection.refuse(outgoing, error);
    else if (incoming.url === '*') outgoing.writeHead(204, { 'X-Request-Id': outgoing.requestId }).end();
    else connection.admit(outgoing);
  }

  #onContinue(incoming: TrackedRequest, outgoing: TrackedResponse): void {
    const announcedBytes = Number(incoming.headers['content-length'] ?? 0);
    const limitBytes = this.#limits.maxBodyBytes();
    if (announcedBytes > limitBytes) {
      this.#refuse(incoming, outgoing, bodyTooLarge(announcedBytes, limitBytes));
      return;
    }
    outgoing.wantsContinue = true;
    this.#onRequest(incoming, outgoing);
  }

  #onExpectation(incoming: TrackedRequest, outgoing: TrackedResponse): void {
    const detail = 'the Expect header must be 100-continue';
    this.#refuse(incoming, outgoing, new CallError('bad_request', detail, { status: 417 }));
  }

  /** Refuses a request because of `error`, or of its framing where that is wrong as well. */
  #refuse(incoming: TrackedRequest, outgoing: TrackedResponse, error: CallError): void {
    const connection = this.#connections.of(incoming.socket);
    if (!connection?.takes(outgoing)) return;
    connection.refuse(outgoing, validateHead(incoming, this.#limits) ?? error);
  }

  #onConnect(socket: Duplex): void {
    // Node has removed its own error handler from this socket.
    socket.on('error', () => socket.destroy());
    const headers = { Allow: 'GET, HEAD, OPTIONS, POST' };
    const error = new CallError('method_not_allowed', 'CONNECT is not allowed: this is not a proxy', {
      headers,
    });
    this.#connections.of(socket)?.fail(error);
  }

  #onClientError(error: ClientError, socket: Duplex): void {
    const refusal = refusalOf(error, this.#limits);
    const connection = this.#connections.of(socket);
    if (refusal === undefined || connection === undefined) socket.destroy();
    else connection.fail(refusal);
  }

  /** Most likely out of descriptors: continues, and logs it at most once a second. */
  #onAcceptError(error: Error): void {
    const now = performance.now();
    if (now - this.#lastAcceptErrorAt < 1000) return;
    this.#lastAcceptErrorAt = now;
    this.#options.log.error({ component: this.name, err: error }, 'cannot accept a connection');
  }
}
