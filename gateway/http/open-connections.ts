import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { CallError } from '../../protocol/call-error.ts';
import { Connection, type ConnectionOwner, type ServerCounts } from './connection.ts';
import type { ServerLimits } from './limits.ts';
import { sendProblem } from './problem.ts';
import type { RequestListener, TrackedResponse } from './response.ts';

/** What the connections of a server need of it. */
export interface ConnectionsOptions {
  /** Name of the server in logs. */
  name: string;
  log: Logger;
  listener: RequestListener;
}

/** The open connections of one server, with what they share: limits, counts, the listener and the drain. */
export class OpenConnections implements ConnectionOwner {
  readonly limits: ServerLimits;
  readonly counts: ServerCounts = { inFlight: 0, held: 0, slowReaders: 0, dropped: 0, refusals: new Map() };
  readonly #options: ConnectionsOptions;
  readonly #bySocket = new Map<Duplex, Connection>();
  readonly #whenEmpty: (() => void)[] = [];
  #isDraining = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(options: ConnectionsOptions, limits: ServerLimits) {
    this.#options = options;
    this.limits = limits;
  }

  get size(): number {
    return this.#bySocket.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  add(socket: Socket): void {
    this.#bySocket.set(socket, new Connection(socket, this));
    socket.once('close', () => {
      this.#bySocket.delete(socket);
      if (this.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve();
    });
  }

  /** The connection of a socket; undefined when it is closed. */
  of(socket: Duplex): Connection | undefined {
    return this.#bySocket.get(socket);
  }

  /** From now on callers that do not read their answers are cut off. */
  startSweeps(): void {
    const { connectionsCheckingIntervalMs: everyMs, answerTimeoutMs } = this.limits;
    // An answer is noticed up to one interval late, and checked once an interval: both count against the limit.
    const unreadLimitMs = Math.max(0, answerTimeoutMs - 2 * everyMs);
    this.#sweep = setInterval(() => {
      const now = performance.now();
      for (const connection of this.#bySocket.values()) connection.sweep(now, unreadLimitMs);
    }, everyMs).unref();
  }

  /**
   * From now on each connection ends with its last answer; idle ones are closed every `drainIdleMs`, by `closeIdle`
   * of Node's server, which knows on which of them a request has begun. Resolves when none is left.
   */
  async drain(closeIdle: () => void): Promise<void> {
    this.#isDraining = true;
    const close = (): void => {
      closeIdle();
      // To Node a connection without its first byte has begun a request.
      for (const { socket, isIdle } of this.#bySocket.values()) {
        if (socket.bytesRead === 0 && isIdle) socket.destroy();
      }
    };
    // After the event loop has read: a request that arrived while the loop was busy is not idleness.
    const timer = setInterval(() => void setImmediate(close), this.limits.drainIdleMs);
    await this.#empty();
    clearInterval(timer);
  }

  /** Destroys all of them. Resolves when none is left. */
  async stop(): Promise<void> {
    this.#isDraining = true;
    clearInterval(this.#sweep);
    for (const socket of this.#bySocket.keys()) socket.destroy();
    await this.#empty();
  }

  run(response: TrackedResponse): void {
    try {
      this.#options.listener(response.req, response)?.catch((thrown) => this.#failed(response, thrown));
    } catch (thrown) {
      this.#failed(response, thrown);
    }
  }

  refused(error: CallError, requestId: string): void {
    const { refusals } = this.counts;
    refusals.set(error.status, (refusals.get(error.status) ?? 0) + 1);
    const { code, status, message: detail } = error;
    this.#options.log.debug(
      { component: this.#options.name, requestId, status, code, detail },
      'request refused',
    );
  }

  #failed(response: TrackedResponse, thrown: unknown): void {
    const { name, log } = this.#options;
    const { requestId } = response;
    const error = CallError.from(thrown);
    if (error.code === 'internal_error') {
      log.error({ component: name, requestId, err: error.cause }, 'the request listener failed');
    }
    if (response.headersSent) response.destroy();
    else sendProblem(response, error, requestId);
  }

  #empty(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }
}
