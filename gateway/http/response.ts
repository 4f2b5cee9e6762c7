import { type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { TrackedRequest } from './body.ts';
import { requestIdOf } from './request-id.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Answers a request that is well framed. What it throws or rejects with is answered with a problem. */
export type RequestListener = (incoming: TrackedRequest, outgoing: TrackedResponse) => void | Promise<void>;

/** The connection that a response leaves by. */
export interface ResponseConnection {
  /** The last moment to announce `Connection: close`. */
  onHead(response: TrackedResponse): void;
  /** The response is flushed, or its socket is gone. */
  onResponseClose(response: TrackedResponse): void;
}

/** Whoever answers a request. */
export interface AnswerOwner {
  /** The caller left before its answer was sent. */
  onCallerGone(): void;
}

/** Node's response, with what the server knows of its request. */
export class TrackedResponse extends ServerResponse<TrackedRequest> {
  connectionOwner: ResponseConnection | undefined;
  answerOwner: AnswerOwner | undefined;
  /** Whether the caller waits for `100 Continue` before it sends the body. */
  wantsContinue = false;
  #requestId: string | undefined;

  /** The id of the request: the same in every answer and log line about it. */
  get requestId(): string {
    this.#requestId ??= requestIdOf(this.req.headers);
    return this.#requestId;
  }

  override writeHead(status: number, message?: string, headers?: Headers): this;
  override writeHead(status: number, headers?: Headers): this;
  override writeHead(status: number, second?: string | Headers, third?: Headers): this {
    this.connectionOwner?.onHead(this);
    return typeof second === 'string'
      ? super.writeHead(status, second, third)
      : super.writeHead(status, second);
  }
}

/** The listener of `close` of every response: one for all, so that none has to be made. */
export function onClose(this: TrackedResponse): void {
  const { answerOwner } = this;
  this.answerOwner = undefined;
  this.connectionOwner?.onResponseClose(this);
  if (!this.writableFinished) answerOwner?.onCallerGone();
}
