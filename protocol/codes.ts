/** Whether a worker began the call: what a caller must know before it repeats a POST. */
export type Started = 'no' | 'yes' | 'unknown';

interface CodeFacts {
  /** HTTP status; `service_error` and `bad_request` may carry another one. */
  status: number;
  title: string;
  /** `started` unless the place that fails knows more. */
  started: Started;
  /** What it means and what the caller can do: the text of `/problems/<code>`. */
  meaning: string;
}

/** Every way a call can fail. The list is closed, so that the compiler checks a switch over it. */
export const codes = {
  bad_request: {
    status: 400,
    title: 'The request is malformed',
    started: 'no',
    meaning:
      'The function name, a header, the JSON or the HTTP framing is not valid; `detail` says which. The status is 400, or 414 and 431 when the target or the headers are too large, 417 for an unsupported `Expect` header, 505 for an unsupported HTTP version. Fix the request; an identical retry will fail.',
  },
  not_found: {
    status: 404,
    title: 'No such route',
    started: 'no',
    meaning:
      'This gateway has no such path. Functions are called at `/functions/<name>`; a function that nobody serves is `no_responders`, since only the broker knows who answers.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    started: 'no',
    meaning:
      'The path exists, but not for this method; `Allow` lists the allowed methods. Functions are called with POST.',
  },
  request_incomplete: {
    status: 408,
    title: 'The request did not arrive in time',
    started: 'no',
    meaning:
      'The head or the body was not sent completely within the time limits of the gateway or within the budget of the call. Nothing was run; retry over a faster connection or with a smaller body.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    started: 'no',
    meaning:
      'Body and headers must fit into one message of the broker, or into the smaller limit of this gateway. `limitBytes` is what may be sent, `gotBytes` what was announced or counted.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The content type or encoding is not supported',
    started: 'no',
    meaning:
      'Encoded bodies (`Content-Encoding`) are never decoded, and a function may accept certain content types only. Send the plain body.',
  },
  invalid_input: {
    status: 422,
    title: 'The function does not accept this input',
    started: 'no',
    meaning:
      'The input does not satisfy the schema that the function publishes. `errors` lists each place and the reason.',
  },
  caller_limit: {
    status: 429,
    title: 'This caller has reached its limit',
    started: 'no',
    meaning:
      'This caller has reached its limit of concurrent calls or of calls per second. Wait for `Retry-After` seconds.',
  },
  caller_gone: {
    status: 499,
    title: 'The caller left',
    started: 'unknown',
    meaning:
      'Seen in logs and metrics only: the caller closed the connection before its answer, and the call was cancelled.',
  },
  handler_error: {
    status: 500,
    title: 'The function failed',
    started: 'yes',
    meaning:
      'The function ran and threw. What it threw is in the log of the worker under the same request id, not in this answer.',
  },
  internal_error: {
    status: 500,
    title: 'The gateway failed',
    started: 'unknown',
    meaning: 'A defect of the gateway itself. The log has the cause under the same request id.',
  },
  service_error: {
    status: 500,
    title: 'The function answered with an error',
    started: 'yes',
    meaning: 'The function ran and refused: the status (400 to 599) and `detail` come from the function.',
  },
  worker_lost: {
    status: 502,
    title: 'The worker was lost',
    started: 'unknown',
    meaning:
      'The worker process that had the call is gone. It may have run the call in part or in full; repeat the call only if running it twice does no harm.',
  },
  bad_reply: {
    status: 502,
    title: 'The reply of the function cannot be used',
    started: 'yes',
    meaning:
      'The function ran, but what it answered breaks the contract or is too large to send. `detail` says which.',
  },
  no_responders: {
    status: 503,
    title: 'No worker answers this function',
    started: 'no',
    meaning:
      'Nobody is subscribed to this function now. Check its name, start a worker, or try again after `Retry-After` seconds.',
  },
  saturated: {
    status: 503,
    title: 'Every worker is busy',
    started: 'no',
    meaning:
      'Every slot is busy and the wait would exceed the budget, so the call is refused at once. `Retry-After` is estimated from the rate at which slots become free; `workers` and `slots` give the capacity, `parked` the queue depth.',
  },
  draining: {
    status: 503,
    title: 'The gateway is stopping',
    started: 'no',
    meaning: 'This gateway is stopping and takes no new calls. Retry on another gateway.',
  },
  broker_unavailable: {
    status: 503,
    title: 'The broker cannot be reached',
    started: 'no',
    meaning:
      'The gateway has lost its connection to NATS and reconnects by itself. Nothing was sent; try again after `Retry-After` seconds.',
  },
  deadline_exceeded: {
    status: 504,
    title: 'No answer in time',
    started: 'unknown',
    meaning:
      'The budget of the call ran out. `started` is `no` when the call provably never reached a worker that began it, otherwise `unknown`: it may have run, and may still be running until its own deadline check.',
  },
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof codes;

/** `/problems/<slug>` of a code: the same word with dashes. */
export function problemPath(code: Code): string {
  return `/problems/${code.replaceAll('_', '-')}`;
}

/** Whether the same request may succeed later without harm: nothing began it, and the failure passes. */
export function isRetryable(status: number, started: Started): boolean {
  return started === 'no' && (status === 408 || status === 429 || status === 503 || status === 504);
}
