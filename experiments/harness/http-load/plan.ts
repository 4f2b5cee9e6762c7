/** What is called, and how. */
export interface LoadPlan {
  /** `http://host:port/path` to post to. */
  readonly url: string;
  /** Calls in flight, each on a connection of its own. */
  readonly connections: number;
  /** A JSON body of exactly so many bytes, at least 16. */
  readonly bodyBytes: number;
  /** Besides the usual ones. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of a right answer; any if absent. */
  readonly expected?: string | undefined;
}

/** What the load process is told; `mark`, `measure` and `stop` are answered. */
export type LoadCommand =
  | { readonly kind: 'begin'; readonly plan: LoadPlan }
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

/** The whole request of a plan. */
export function requestOf({ url, bodyBytes, headers = {} }: LoadPlan): Buffer {
  const { host, pathname } = new URL(url);
  const frame = JSON.stringify({ text: '' });
  const body = JSON.stringify({ text: 'a'.repeat(Math.max(0, bodyBytes - frame.length)) });
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...Object.entries(headers).map((pair) => pair.join(': ')),
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}
