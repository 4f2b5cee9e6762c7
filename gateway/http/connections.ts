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
import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { CallError } from '../../protocol/call-error.ts';
import type { ServerLimits } from './limits.ts';
import { rawAnswer, refuse, requestIdOf } from './problem.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** What a connection needs of its server, and counts for it. */
export interface ConnectionHost {
  readonly limits: ServerLimits;
  readonly isDraining: boolean;
  readonly newRequestId: () => string;
  /** Requests handed to the listener and not yet answered, of all connections. */
  inFlight: number;
  /** Requests that wait for their turn, of all connections. */
  held: number;
  /** Connections ended because their caller did not read. */
  slowReaders: number;
  run(response: TrackedResponse): void;
  refused(error: CallError, requestId: string): void;
}

/** Node's response, which tells its connection when its head is written. */
export class TrackedResponse extends ServerResponse {
  owner: Connection | undefined;
  /** Whether the caller waits for `100 Continue` before it sends the body. */
  wantsContinue = false;

  override writeHead(status: number, message?: string, headers?: Headers): this;
  override writeHead(status: number, headers?: Headers): this;
  override writeHead(status: number, second?: string | Headers, third?: Headers): this {
    this.owner?.beforeHead(this);
    return typeof second === 'string'
      ? super.writeHead(status, second, third)
      : super.writeHead(status, second);
  }
}

function onResponseClose(this: TrackedResponse): void {
  this.owner?.settled(this);
}

export class Connection {
  readonly socket: Socket;
  readonly #host: ConnectionHost;
  #state: 'open' | 'ending' | 'lingering' = 'open';
  readonly #running: TrackedResponse[] = [];
  readonly #held: TrackedResponse[] = [];
  /** The request that came last: the only one whose body can be incomplete. */
  #newest: TrackedResponse | undefined;
  /** An answer that no response stands for; written when all others are. */
  #lastWord: CallError | undefined;
  #unread: TrackedResponse | undefined;
  #unreadSince = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Whether the socket is not to be read, whoever resumes it. */
  #isBlocked = false;

  constructor(socket: Socket, host: ConnectionHost) {
    this.socket = socket;
    this.#host = host;
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

  /** Whether another request may be run; reading stops when one comes all the same. */
  takes(response: TrackedResponse): boolean {
    if (this.#state !== 'open') {
      if (this.#state === 'ending') this.#stopReading();
      return false;
    }
    response.owner = this;
    this.#newest = response;
    return true;
  }

  /** Runs a request, or holds it until one of those before it is answered. */
  admit(response: TrackedResponse): void {
    if (this.#running.length < this.#host.limits.pipelined && this.#held.length === 0) {
      this.#run(response);
      return;
    }
    if (this.#host.held >= this.#host.limits.maxHeld) {
      this.refuse(
        response,
        new CallError('saturated', 'too many requests wait for their turn', { retryAfterS: 1 }),
      );
      return;
    }
    this.#held.push(response);
    this.#host.held += 1;
    this.#stopReading();
  }

  /** Answers a request with a problem, in its turn, and ends the connection after it. */
  refuse(response: TrackedResponse, error: CallError): void {
    this.#state = 'ending';
    const requestId = requestIdOf(response.req, this.#host.newRequestId);
    this.#host.refused(error, requestId);
    response.shouldKeepAlive = false;
    refuse(response, error, requestId);
  }

  /** Ends the connection with a problem that concerns no complete request, after the answers that are owed. */
  fail(error: CallError): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#lastWord = error;
    if (this.#broken !== undefined && this.#broken === this.#held.at(-1)) {
      this.#held.pop();
      this.#host.held -= 1;
    }
    this.#speakLast();
  }

  /** Called before the head of an answer is written: the last possible moment to announce the end. */
  beforeHead(response: TrackedResponse): void {
    if (response !== this.#newest) return;
    if (this.#host.isDraining) response.shouldKeepAlive = false;
    if (!response.shouldKeepAlive && this.#state === 'open') this.#state = 'ending';
  }

  /** Called when a response is flushed, or its socket is gone. */
  settled(response: TrackedResponse): void {
    const at = this.#running.indexOf(response);
    if (at === -1) return;
    this.#running.splice(at, 1);
    this.#host.inFlight -= 1;
    if (this.socket.destroyed) return;
    if (this.#held.length > 0) this.#release();
    this.#speakLast();
  }

  /** Destroys the connection if its caller has left an answer unread for too long; `now` in monotonic ms. */
  sweep(now: number, unreadLimitMs: number): void {
    // What is refused, or answered without the listener, does not run.
    const first = this.#running[0] ?? this.#newest;
    if (first === undefined || this.socket.writableLength === 0) {
      this.#unread = undefined;
    } else if (this.#unread !== first) {
      this.#unread = first;
      this.#unreadSince = now;
    } else if (now - this.#unreadSince >= unreadLimitMs) {
      this.#host.slowReaders += 1;
      this.socket.destroy();
    }
  }

  #run(response: TrackedResponse): void {
    this.#running.push(response);
    this.#host.inFlight += 1;
    response.on('close', onResponseClose);
    if (response.wantsContinue) response.writeContinue();
    this.#host.run(response);
  }

  #release(): void {
    while (this.#running.length < this.#host.limits.pipelined) {
      const next = this.#held.shift();
      if (next === undefined) break;
      this.#host.held -= 1;
      this.#run(next);
    }
    if (this.#held.length > 0 || this.#state !== 'open') return;
    this.#isBlocked = false;
    this.socket.resume();
  }

  #stopReading(): void {
    this.#isBlocked = true;
    this.socket.pause();
    // A stream that is to resume in this turn tells nobody that it is paused again.
    this.socket.emit('pause');
  }

  /** The request whose body is not complete, and never will be once the connection has failed. */
  get #broken(): TrackedResponse | undefined {
    return this.#newest?.req.complete === false ? this.#newest : undefined;
  }

  #speakLast(): void {
    const error = this.#lastWord;
    if (error === undefined || this.#state === 'lingering') return;
    if (this.#held.length > 0 || this.#running.length > 1) return;
    const broken = this.#broken;
    const [last] = this.#running;
    if (last !== undefined && (last !== broken || last.headersSent)) return;
    this.#lastWord = undefined;
    if (last !== undefined) this.#abandon(last);
    // A request that was answered before its body broke has its one answer.
    if (!broken?.headersSent && this.socket.writable) {
      const requestId = requestIdOf(broken?.req, this.#host.newRequestId);
      this.#host.refused(error, requestId);
      this.socket.write(rawAnswer(error, requestId));
    }
    this.#linger();
  }

  /** Takes the socket from a response. To the listener its caller has left: what it writes goes nowhere. */
  #abandon(response: TrackedResponse): void {
    if (response.socket === this.socket) response.detachSocket(this.socket);
    response.destroy();
    // Node 24 tells such a response that it is closed, earlier ones do not.
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
    // The parser reads past the stream until somebody listens to the stream itself, and has to be reading by then.
    socket.removeAllListeners('data');
    socket.resume();
    socket.emit('resume');
    let left = this.#host.limits.lingerBytes;
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) socket.destroy();
    });
    this.#lingerTimer = setTimeout(() => socket.destroy(), this.#host.limits.lingerMs).unref();
  }

  #onSocketClose(): void {
    clearTimeout(this.#lingerTimer);
    this.#host.held -= this.#held.length;
    this.#held.length = 0;
    // Node tells only the response whose turn it is.
    for (const response of this.#running.slice()) {
      if (response.socket !== this.socket && !response.destroyed) this.#abandon(response);
    }
  }
}
