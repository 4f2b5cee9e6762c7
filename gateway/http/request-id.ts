import type { IncomingHttpHeaders } from 'node:http';
import { randomToken } from '../../lib/random-token.ts';

const ACCEPTED = /^[\x21-\x7e]{1,128}$/;

/** The caller's own request id if it is 1 to 128 visible ASCII characters, else a new random one. */
export function requestIdOf(headers: Readonly<IncomingHttpHeaders>): string {
  const own = headers['x-request-id'];
  return typeof own === 'string' && ACCEPTED.test(own) ? own : randomToken();
}
