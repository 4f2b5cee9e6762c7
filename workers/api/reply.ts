/** What a handler may set on its reply. */
export interface ReplyOptions {
  /** HTTP status, 200 to 599. Default: 200, or 204 without a body. */
  readonly status?: number;
  /** Default: what the body is: application/json, application/octet-stream or text/plain. */
  readonly contentType?: string;
  /** `X-Fn-*` only. */
  readonly headers?: Readonly<Record<string, string>>;
  /** A Uint8Array or a string goes out as it is, undefined is empty, everything else is JSON. */
  readonly body?: unknown;
}

// A registered symbol: a handler may have loaded another copy of this package than the worker that runs it.
const REPLY = Symbol.for('now-or-never.reply');

/** A result with its own status, content type or headers; made by `reply`. */
export interface Reply extends ReplyOptions {
  readonly [REPLY]: true;
}

/** A result with its own status, content type or headers. It is checked when the handler returns it. */
export function reply(options: ReplyOptions): Reply {
  return { ...options, [REPLY]: true };
}

/** Whether a result was made by `reply`. */
export function isReply(value: object): value is Reply {
  return Reflect.get(value, REPLY) === true;
}
