import { CallError } from '../../protocol/call-error.ts';
import {
  canonicalHeader,
  forwardedRequestHeaders,
  type HeaderPairs,
  header,
  isFunctionHeader,
  isHeaderValue,
} from '../../protocol/headers.ts';
import type { HttpRequest } from './request.ts';

/** The headers that are passed on to the function; all others are dropped. Throws `bad_request` for invalid values. */
export function forwardedHeaders(request: HttpRequest): HeaderPairs {
  const pairs: (readonly [string, string])[] = [];
  for (const name of Object.keys(request.headers)) {
    const sentAs = nameOnNats(name);
    if (sentAs === undefined || sentAs === header.requestId) continue;
    const value = request.header(name) ?? '';
    if (!isHeaderValue(value)) {
      throw new CallError('bad_request', `the value of the header ${name} has invalid characters`);
    }
    pairs.push([sentAs, value]);
  }
  pairs.push([header.requestId, request.id]);
  return pairs;
}

/** How a header (lower-case name) is written on NATS; undefined when it is not passed on. */
function nameOnNats(name: string): string | undefined {
  if (Object.hasOwn(forwardedRequestHeaders, name)) return forwardedRequestHeaders[name];
  return isFunctionHeader(name) ? canonicalHeader(name) : undefined;
}
