/** Header names as they are written on NATS. Readers look them up in lower case: see `MessageHeaders`. */
export const header = {
  call: 'Now-Call',
  deadline: 'Now-Deadline',
  timeout: 'Now-Timeout',
  gateway: 'Now-Gateway',
  reply: 'Now-Reply',
  parked: 'Now-Parked',
  signal: 'Now-Signal',
  worker: 'Now-Worker',
  group: 'Now-Group',
  free: 'Now-Free',
  serviceMs: 'Now-Service-Ms',
  waitMs: 'Now-Wait-Ms',
  workMs: 'Now-Work-Ms',
  status: 'Now-Status',
  code: 'Now-Code',
  /** ADR-32: present on every error reply; its value is the HTTP status. */
  serviceErrorCode: 'Nats-Service-Error-Code',
  /** ADR-32: what went wrong, for people. */
  serviceError: 'Nats-Service-Error',
  contentType: 'Content-Type',
  requestId: 'X-Request-Id',
} as const;

/** Headers of a received message: lower-case names, no prototype, the first value of each. */
export type MessageHeaders = Readonly<Record<string, string>>;

/** Headers to send, in order, spelled as they go over the wire. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/** Headers of a caller that cross to the function besides `X-Fn-*`: lower-case HTTP name → name on NATS. */
export const forwardedRequestHeaders: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  accept: 'Accept',
  'accept-language': 'Accept-Language',
  'idempotency-key': 'Idempotency-Key',
  'x-request-id': 'X-Request-Id',
  traceparent: 'traceparent',
  tracestate: 'tracestate',
};

const FUNCTION_HEADER = /^x-fn-[a-z0-9!#$%&'*+.^_`|~-]{1,100}$/;

/** Whether a header (lower-case name) belongs to the function and crosses in both directions. */
export function isFunctionHeader(name: string): boolean {
  return FUNCTION_HEADER.test(name);
}

/** `x-fn-page-size` → `X-Fn-Page-Size`: NATS compares names letter by letter, so one spelling goes out. */
export function canonicalHeader(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** Whether a value can stand in an HTTP/1.1 field (RFC 9110, 5.5) and in a NATS header line. */
export function isHeaderValue(value: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
}
