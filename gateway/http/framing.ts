import type { IncomingMessage } from 'node:http';
import { CallError } from '../../protocol/call-error.ts';

/** What the parser knows of a request when its head is complete. */
type RequestHead = Pick<
  IncomingMessage,
  'method' | 'url' | 'httpVersionMajor' | 'httpVersionMinor' | 'rawHeaders'
>;

/** The part of the limits that concerns heads. */
interface HeadLimits {
  maxHeaders: number;
  maxTargetBytes: number;
}

const HOST = /^(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{0,5})?$/;
const LENGTH = /^\d{1,15}$/;
const TARGET = /^(?:\/|https?:\/\/[^/?#])[\x21-\x7e]*$/i;

/**
 * What is wrong with a head that Node's parser accepted, or undefined. The parser joins or drops repeated
 * headers and reads chunked bodies in versions that have none. A proxy may read the same bytes differently,
 * and that difference is how requests are smuggled.
 */
export function validateHead(head: RequestHead, limits: HeadLimits): CallError | undefined {
  const { httpVersionMajor: major, httpVersionMinor: minor } = head;
  if (major !== 1 || minor > 1) return unsupportedVersion(`HTTP/${major}.${minor}`);
  return (
    validateTarget(head, limits.maxTargetBytes) ??
    validateHeaders(head.rawHeaders, minor === 0, limits.maxHeaders)
  );
}

/** The answer to a version other than 1.0 and 1.1; `got` is undefined where the parser does not say it. */
export function unsupportedVersion(got?: string): CallError {
  const detail = `unsupported HTTP version${got === undefined ? '' : ` ${got}`}; use HTTP/1.0 or HTTP/1.1`;
  return new CallError('bad_request', detail, { status: 505 });
}

/** The answer to a target over its limit. */
export function targetTooLong(maxTargetBytes: number): CallError {
  const detail = `the request target must be at most ${maxTargetBytes} bytes`;
  return new CallError('bad_request', detail, { status: 414 });
}

/** The answer to bytes that are not an HTTP request, or that can be read as two different ones. */
export function malformed(detail: string): CallError {
  return new CallError('bad_request', detail);
}

function validateTarget({ method, url = '' }: RequestHead, maxTargetBytes: number): CallError | undefined {
  if (url.length > maxTargetBytes) return targetTooLong(maxTargetBytes);
  if (TARGET.test(url)) return undefined;
  if (url === '*' && method === 'OPTIONS') return undefined;
  return malformed('the request target must be a path of visible ASCII characters');
}

function validateHeaders(
  raw: readonly string[],
  isHttp10: boolean,
  maxHeaders: number,
): CallError | undefined {
  if (raw.length > 2 * maxHeaders) {
    const detail = `the request must have at most ${maxHeaders} headers`;
    return new CallError('bad_request', detail, { status: 431 });
  }
  let hosts = 0;
  let lengths = 0;
  let encodings = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    // Comparing lengths first avoids lower-casing every name.
    switch (raw[at]?.length) {
      case 4:
        if (raw[at]?.toLowerCase() !== 'host') break;
        hosts += 1;
        if (!HOST.test(value)) return malformed('the Host header must be a host with an optional port');
        break;
      case 14:
        if (raw[at]?.toLowerCase() !== 'content-length') break;
        lengths += 1;
        if (!LENGTH.test(value)) return malformed('Content-Length must be a decimal number');
        break;
      case 17:
        if (raw[at]?.toLowerCase() !== 'transfer-encoding') break;
        encodings += 1;
        if (value !== 'chunked') return malformed('Transfer-Encoding must be exactly "chunked"');
        break;
    }
  }
  if (hosts > 1) return malformed(`there must be one Host header, got ${hosts}`);
  if (hosts === 0 && !isHttp10) return malformed('the Host header is missing');
  if (lengths > 1) return malformed(`there must be one Content-Length header, got ${lengths}`);
  if (encodings > 1) return malformed(`there must be one Transfer-Encoding header, got ${encodings}`);
  if (encodings > 0 && isHttp10) return malformed('Transfer-Encoding does not exist in HTTP/1.0');
  if (encodings > 0 && lengths > 0)
    return malformed('Content-Length and Transfer-Encoding must not be combined');
  return undefined;
}
