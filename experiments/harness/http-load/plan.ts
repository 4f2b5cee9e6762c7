import type { Buckets } from '../histogram.ts';

/** What is called. */
export interface RequestPlan {
  /** `http://host:port/path` to post to. */
  readonly url: string;
  /** With it calls go to so many paths in turn: the one above followed by 0, 1, 2, ... */
  readonly paths?: number;
  /** A JSON body of exactly so many bytes, at least 16. */
  readonly bodyBytes: number;
  /** Besides the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A closed loop. */
export interface LoadPlan extends RequestPlan {
  /** Calls in flight, each on a connection of its own. */
  readonly connections: number;
  /** The body of a right answer; any if absent. */
  readonly expected?: string | undefined;
}

/** An open loop: calls come at random moments (Poisson), whatever becomes of those before. */
export interface OpenPlan extends RequestPlan {
  /** One after the other, without a pause. */
  readonly phases: readonly { readonly perSecond: number; readonly seconds: number }[];
  /** A caller gives up then, counted from the moment when its call was sent. */
  readonly deadlineMs: number;
  readonly seed: number;
}

/** Calls that nobody expects to be answered soon; they are held until the process ends. */
export interface HoldPlan extends RequestPlan {
  readonly calls: number;
  /** Calls that are sent on one connection, one behind the other: HTTP pipelining. */
  readonly perConnection: number;
}

/** What the load process is told; `begin` and `hold` are not answered. */
export type LoadCommand =
  | { readonly kind: 'begin'; readonly plan: LoadPlan }
  | { readonly kind: 'play'; readonly plan: OpenPlan }
  | { readonly kind: 'hold'; readonly plan: HoldPlan }
  | { readonly kind: 'mark' | 'measure' | 'stop' };

/** What came of the calls that were answered between `mark` and `measure`. */
export interface LoadFigures {
  readonly seconds: number;
  /** Answered as they should be. */
  readonly calls: number;
  /** How often each kind of failure came: `http_503`, `ECONNRESET`, `other_body`. */
  readonly errors: Readonly<Record<string, number>>;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** What came of the calls of one phase of an open loop. */
export interface PhaseFigures {
  /**
   * How often each end came: `ok`, `http_503`, `gave_up` (no answer by the deadline), `ECONNRESET`; and of calls that
   * were not sent, `generator_late` (by more than the deadline) and `no_connection` (as many open as may be).
   */
  readonly codes: Readonly<Record<string, number>>;
  /** How long right answers took. */
  readonly good: Buckets;
  /** How long others took, giving up not among them. */
  readonly refused: Buckets;
  /** How late calls were sent. */
  readonly late: Buckets;
  /** By the quarter of a second in which they were due: how many calls were sent, and how many were answered well. */
  readonly bins: readonly { readonly sent: number; readonly good: number }[];
}

/** Length of a bin in milliseconds. */
export const BIN_MS = 250;

/** The whole requests of a plan, one for each path. */
export function requestsOf({ url, paths, bodyBytes, headers = {} }: RequestPlan): [Buffer, ...Buffer[]] {
  const { host, pathname } = new URL(url);
  const frame = JSON.stringify({ text: '' });
  const body = JSON.stringify({ text: 'a'.repeat(Math.max(0, bodyBytes - frame.length)) });
  const requestTo = (path: string) => {
    const head = [
      `POST ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...Object.entries(headers).map((pair) => pair.join(': ')),
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
  };
  if (paths === undefined) return [requestTo(pathname)];
  const further = Array.from({ length: paths - 1 }, (_, i) => requestTo(`${pathname}${i + 1}`));
  return [requestTo(`${pathname}0`), ...further];
}

/** The requests of a plan in turn, without end. */
export function requestCycle(plan: RequestPlan): () => Buffer {
  const requests = requestsOf(plan);
  let taken = 0;
  return () => requests[taken++ % requests.length] ?? requests[0];
}
