/** Whether a worker began the call: what a caller must know before it repeats a POST. */
export type Started = 'no' | 'yes' | 'unknown';

interface CodeFacts {
  /** HTTP status; `service_error` and `bad_request` may carry another one. */
  status: number;
  title: string;
  /** What `started` says unless the place that fails knows better. */
  started: Started;
  /** What it means and what the caller can do, shown at `/problems/<code>`. */
  meaning: string;
}

/** Every way a call can fail: closed, so that the switch over it is checked by the compiler. */
export const codes = {
  bad_request: {
    status: 400,
    title: 'The request is malformed',
    started: 'no',
    meaning:
      'The function name, a header, the JSON or the HTTP framing is not valid; `detail` says which. The status is 400, or 414 and 431 when the target or the headers are too large, 417 for an expectation that cannot be met, 505 for another HTTP version. Mend the request; the same one fails again.',
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
      'The path exists, the method does not; `Allow` lists the methods that do. Functions are called with POST.',
  },
  request_incomplete: {
    status: 408,
    title: 'The request did not arrive in time',
    started: 'no',
    meaning:
      'The head or the body was not sent completely within the time limits of the gateway or within the budget of the call. Nothing was run; send it again over a better connection, or smaller.',
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
    title: 'The body has a type or encoding that is not taken',
    started: 'no',
    meaning:
      'Encoded bodies (`Content-Encoding`) are never inflated, and a function may take certain content types only. Send the plain body.',
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
      'This caller has as many calls or as high a rate as it is allowed. Wait for `Retry-After` seconds.',
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
    meaning: 'The function ran and refused: the status (400 to 599) and `detail` are its own words.',
  },
  worker_lost: {
    status: 502,
    title: 'The worker was lost',
    started: 'unknown',
    meaning:
      'The process that held the call is gone. It may have run the call in part or in full; repeat only what can be repeated.',
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
      'Every slot is taken and the wait would outlast the budget, so the answer is no, at once. `Retry-After` follows from the rate at which slots come free; `workers`, `slots` and `parked` say how large the crowd is.',
  },
  draining: {
    status: 503,
    title: 'The gateway is stopping',
    started: 'no',
    meaning: 'This gateway takes no new calls. Another replica does; try again.',
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
