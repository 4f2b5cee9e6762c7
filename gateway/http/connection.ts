import type { Socket } from 'node:net';
import { randomToken } from '../../lib/random-token.ts';
import { CallError } from '../../protocol/call-error.ts';
import type { ServerLimits } from './limits.ts';
import { problemBytes, sendProblem } from './problem.ts';
import { onClose, type ResponseConnection, type TrackedResponse } from './response.ts';

/** What all connections of a server share. */
export interface ConnectionOwner {
  readonly limits: ServerLimits;
  readonly counts: ServerCounts;
  readonly isDraining: boolean;
  /** Hands a request to the listener. Never throws. */
  run(response: TrackedResponse): void;
  /** Counts and logs a refusal. */
  refused(error: CallError, requestId: string): void;
}

/** What a server counts: the first two as of now, the others since its start. */
export interface ServerCounts {
  /** Requests handed to the listener whose answer is not flushed. */
  inFlight: number;
  /** Requests that wait for the requests before them on their connection. */
  held: number;
  /** Connections ended because their caller did not read. */
  slowReaders: number;
  /** Connections closed at once because there were too many. */
  dropped: number;
  /** Refused requests by status. */
  readonly refusals: Map<number, number>;
}

/**
 * One connection of a caller, and its requests. Its states:
 *
 *   open       requests are taken: at most `pipelined` run at once, the rest are held while the socket is paused
 *   ending     the last answer is known; further requests are ignored, and may be sent again by the caller
 *   lingering  our side is closed. What the caller still sends is discarded until it closes too, or a limit is
 *              reached: closing at once would reset the connection and lose the last answer on its way.
 *
 * Answers leave in the order of the requests: Node sees to that. When the socket dies, held requests never run.
 */
export class Connection implements ResponseConnection {
  readonly socket: Socket;
  readonly #owner: ConnectionOwner;
  #state: 'open' | 'ending' | 'lingering' = 'open';
  readonly #running: TrackedResponse[] = [];
  readonly #held: TrackedResponse[] = [];
  /** The request that came last: the only one whose body can be incomplete. */
  #newest: TrackedResponse | undefined;
  /** A problem for which Node has no response; written after all other answers. */
  #lastProblem: CallError | undefined;
  #unread: TrackedResponse | undefined;
  #unreadSince = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Whether the socket stays paused, whoever resumes it. */
  #isBlocked = false;

  constructor(socket: Socket, owner: ConnectionOwner) {
    this.socket = socket;
    this.#owner = owner;
    // Node ends a connection by this method after an answer with `Connection: close`.
    socket.destroySoon = () => this.#linger();
    // A body being read resumes the socket whenever it likes.
    socket.on('resume', () => {
      if (this.#isBlocked) this.#stopReading();
    });
    socket.once('close', () => this.#onSocketClose());
  }

  get isIdle(): boolean {
    return this.#running.length === 0 && this.#held.length === 0;
  }

  /** Whether a request may be run. One that comes after the last answer is known is ignored, and stops the reading. */
  takes(response: TrackedResponse): boolean {
    if (this.#state !== 'open') {
      if (this.#state === 'ending') this.#stopReading();
      return false;
    }
    response.connectionOwner = this;
    this.#newest = response;
    return true;
  }

  /** Runs a request, or holds it until one of those before it is answered. */
  admit(response: TrackedResponse): void {
    if (this.#running.length < this.#owner.limits.pipelined && this.#held.length === 0) {
      this.#run(response);
      return;
    }
    if (this.#owner.counts.held >= this.#owner.limits.maxHeld) {
      this.refuse(
        response,
        new CallError('saturated', 'too many pipelined requests are waiting', { retryAfterS: 1 }),
      );
      return;
    }
    this.#held.push(response);
    this.#owner.counts.held += 1;
    this.#stopReading();
  }

  /** Answers a request with a problem, in its turn, and ends the connection after it. */
  refuse(response: TrackedResponse, error: CallError): void {
    this.#state = 'ending';
    this.#owner.refused(error, response.requestId);
    response.shouldKeepAlive = false;
    sendProblem(response, error, response.requestId);
  }

  /** Ends the connection with a problem that concerns no complete request, after the answers before it. */
  fail(error: CallError): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#lastProblem = error;
    if (this.#broken !== undefined && this.#broken === this.#held.at(-1)) {
      this.#held.pop();
      this.#owner.counts.held -= 1;
    }
    this.#sendLastProblem();
  }

  /** Destroys the connection if its caller has left an answer unread for too long; `now` in monotonic ms. */
  sweep(now: number, unreadLimitMs: number): void {
    // What is refused, or answered without the listener, is never in `#running`.
    const first = this.#running[0] ?? this.#newest;
    if (first === undefined || this.socket.writableLength === 0) {
      this.#unread = undefined;
    } else if (this.#unread !== first) {
      this.#unread = first;
      this.#unreadSince = now;
    } else if (now - this.#unreadSince >= unreadLimitMs) {
      this.#owner.counts.slowReaders += 1;
      this.socket.destroy();
    }
  }

  #run(response: TrackedResponse): void {
    this.#running.push(response);
    this.#owner.counts.inFlight += 1;
    response.on('close', onClose);
    if (response.wantsContinue) response.writeContinue();
    this.#owner.run(response);
  }

  onHead(response: TrackedResponse): void {
    if (response !== this.#newest) return;
    if (this.#owner.isDraining) response.shouldKeepAlive = false;
    if (!response.shouldKeepAlive && this.#state === 'open') this.#state = 'ending';
  }

  onResponseClose(response: TrackedResponse): void {
    const at = this.#running.indexOf(response);
    if (at === -1) return;
    this.#running.splice(at, 1);
    this.#owner.counts.inFlight -= 1;
    if (this.socket.destroyed) return;
    if (this.#held.length > 0) this.#release();
    this.#sendLastProblem();
  }

  #release(): void {
    while (this.#running.length < this.#owner.limits.pipelined) {
      const next = this.#held.shift();
      if (next === undefined) break;
      this.#owner.counts.held -= 1;
      this.#run(next);
    }
    if (this.#held.length > 0 || this.#state !== 'open') return;
    this.#isBlocked = false;
    this.socket.resume();
  }

  #stopReading(): void {
    this.#isBlocked = true;
    this.socket.pause();
    // A stream that was to resume in this turn of the event loop does not emit `pause` itself.
    this.socket.emit('pause');
  }

  /** The request whose body is not complete, and never will be once the connection has failed. */
  get #broken(): TrackedResponse | undefined {
    return this.#newest?.req.complete === false ? this.#newest : undefined;
  }

  #sendLastProblem(): void {
    const error = this.#lastProblem;
    if (error === undefined || this.#state === 'lingering') return;
    if (this.#held.length > 0 || this.#running.length > 1) return;
    const broken = this.#broken;
    const [last] = this.#running;
    if (last !== undefined && (last !== broken || last.headersSent)) return;
    this.#lastProblem = undefined;
    if (last !== undefined) this.#abandon(last);
    // A request that was answered before its body broke has its one answer.
    if (!broken?.headersSent && this.socket.writable) {
      const requestId = broken?.requestId ?? randomToken();
      this.#owner.refused(error, requestId);
      this.socket.write(problemBytes(error, requestId));
    }
    this.#linger();
  }

  /** Takes the socket from a response: to the listener its caller has left, and what it writes goes nowhere. */
  #abandon(response: TrackedResponse): void {
    if (response.socket === this.socket) response.detachSocket(this.socket);
    response.destroy();
    // Node 24 emits `close` for such a response, earlier versions do not.
    process.nextTick(() => {
      if (this.#running.includes(response)) response.emit('close');
    });
  }

  #linger(): void {
    const { socket } = this;
    if (this.#state === 'lingering' || socket.destroyed) return;
    this.#state = 'lingering';
    this.#isBlocked = false;
    socket.end();
    // The parser takes bytes past the stream until the stream has a `data` listener, and must be reading by then.
    socket.removeAllListeners('data');
    socket.resume();
    socket.emit('resume');
    let left = this.#owner.limits.lingerBytes;
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
    this.#lingerTimer = setTimeout(() => socket.destroy(), this.#owner.limits.lingerMs).unref();
  }

  #onSocketClose(): void {
    clearTimeout(this.#lingerTimer);
    this.#owner.counts.held -= this.#held.length;
    this.#held.length = 0;
    // Node emits `close` only for the response whose turn it is.
    for (const response of this.#running.slice()) {
      if (response.socket !== this.socket && !response.destroyed) this.#abandon(response);
    }
  }
}
