import {
  type IncomingMessage,
  type OutgoingHttpHeader,
  type OutgoingHttpHeaders,
  ServerResponse,
} from 'node:http';
import { requestIdOf } from './request-id.ts';

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** Answers a request that is well framed. What it throws or rejects with is answered with a problem. */
export type RequestListener = (incoming: IncomingMessage, outgoing: TrackedResponse) => void | Promise<void>;

/** Node's response, with what the server knows of its request. */
export class TrackedResponse extends ServerResponse {
  /** Called before the head is written. */
  beforeHead: (() => void) | undefined;
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
    this.beforeHead?.();
    return typeof second === 'string'
      ? super.writeHead(status, second, third)
      : super.writeHead(status, second);
  }
}
