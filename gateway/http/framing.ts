import type { IncomingMessage } from 'node:http';
import { CallError } from '../../protocol/call-error.ts';

/** What the parser knows of a request when its head is complete. */
export type RequestHead = Pick<
  IncomingMessage,
  'method' | 'url' | 'httpVersionMajor' | 'httpVersionMinor' | 'rawHeaders'
>;

/** The part of the limits that concerns heads. */
export interface HeadLimits {
  maxHeaders: number;
  maxTargetBytes: number;
}

const HOST = /^(?:[A-Za-z0-9._~-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{0,5})?$/;
const LENGTH = /^\d{1,15}$/;
const TARGET = /^(?:\/|https?:\/\/[^/?#])[\x21-\x7e]*$/i;

/**
 * What is wrong with a head that Node's parser let pass, or undefined. The parser joins or drops what
 * repeats and reads chunked bodies in versions that have none: a proxy may read the same bytes otherwise,
 * and the difference is how requests are smuggled.
 */
export function judgeHead(head: RequestHead, limits: HeadLimits): CallError | undefined {
  const { httpVersionMajor: major, httpVersionMinor: minor } = head;
  if (major !== 1 || minor > 1) return otherVersion(`HTTP/${major}.${minor}`);
  return (
    judgeTarget(head, limits.maxTargetBytes) ?? judgeHeaders(head.rawHeaders, minor === 0, limits.maxHeaders)
  );
}

/** The answer to a version other than 1.0 and 1.1. */
export function otherVersion(got: string): CallError {
  return new CallError(
    'bad_request',
    `the version ${got} is not spoken here, allowed are HTTP/1.0 and HTTP/1.1`,
    {
      status: 505,
    },
  );
}

/** The answer to a target over its limit. */
export function targetTooLong(maxTargetBytes: number): CallError {
  return new CallError('bad_request', `the target is too long, allowed are ${maxTargetBytes} bytes`, {
    status: 414,
  });
}

/** The answer to bytes that are not a request, or one that can be read in two ways. */
export function malformed(detail: string): CallError {
  return new CallError('bad_request', detail);
}

function judgeTarget({ method, url = '' }: RequestHead, maxTargetBytes: number): CallError | undefined {
  if (url.length > maxTargetBytes) return targetTooLong(maxTargetBytes);
  if (TARGET.test(url)) return undefined;
  if (url === '*' && method === 'OPTIONS') return undefined;
  return malformed('the target must be a path, of visible ASCII characters only');
}

function judgeHeaders(raw: readonly string[], isHttp10: boolean, maxHeaders: number): CallError | undefined {
  if (raw.length > 2 * maxHeaders) {
    return new CallError('bad_request', `there are too many headers, allowed are ${maxHeaders}`, {
      status: 431,
    });
  }
  let hosts = 0;
  let lengths = 0;
  let encodings = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const value = raw[at + 1] ?? '';
    // Comparing lengths first spares lower-casing every name.
    switch (raw[at]?.length) {
      case 4:
        if (raw[at]?.toLowerCase() !== 'host') break;
        hosts += 1;
        if (!HOST.test(value)) return malformed('the Host header is not a host with an optional port');
        break;
      case 14:
        if (raw[at]?.toLowerCase() !== 'content-length') break;
        lengths += 1;
        if (!LENGTH.test(value)) return malformed('Content-Length must be one decimal number');
        break;
      case 17:
        if (raw[at]?.toLowerCase() !== 'transfer-encoding') break;
        encodings += 1;
        if (value !== 'chunked') return malformed('Transfer-Encoding must be exactly "chunked"');
        break;
    }
  }
  if (hosts > 1) return malformed(`there are ${hosts} Host headers, allowed is one`);
  if (hosts === 0 && !isHttp10) return malformed('the Host header is missing');
  if (lengths > 1) return malformed(`there are ${lengths} Content-Length headers, allowed is one`);
  if (encodings > 1) return malformed(`there are ${encodings} Transfer-Encoding headers, allowed is one`);
  if (encodings > 0 && isHttp10) return malformed('Transfer-Encoding does not exist in HTTP/1.0');
  if (encodings > 0 && lengths > 0)
    return malformed('Content-Length and Transfer-Encoding exclude each other');
  return undefined;
}
