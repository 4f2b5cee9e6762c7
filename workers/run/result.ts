import type { z } from 'zod';
import {
  canonicalHeader,
  type HeaderPairs,
  header,
  isFunctionHeader,
  isHeaderValue,
} from '../../protocol/headers.ts';
import type { FunctionError } from '../api/errors.ts';
import { isReply, type ReplyOptions } from '../api/reply.ts';
import { badReply, type Completion, failed, sizeAtMost, sizeOf } from './completion.ts';
import { describeError, type ErrorDescription } from './describe-error.ts';
import { type Validation, validate } from './schema.ts';

/** What was returned breaks a rule; the message says which, and may be read by callers. */
class Unsendable extends Error {
  override readonly name = 'Unsendable';
  readonly found: ErrorDescription | undefined;

  constructor(message: string, found?: ErrorDescription) {
    super(message);
    this.found = found;
  }
}

interface Encoded {
  readonly body: Uint8Array;
  readonly contentType: string | undefined;
}

/** Bytes that all `X-Fn-*` of a reply may take: more is refused by common HTTP clients. */
const MAX_HEADER_BYTES = 8192;
const NOTHING: Encoded = { body: new Uint8Array(0), contentType: undefined };
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+\s*(;[^\x00-\x1f\x7f]*)?$/;
const BODYLESS = new Set([204, 205, 304]);

/**
 * What a handler returned as the message to send, or a `bad_reply` that says why it cannot be sent. A promise only where
 * the output schema has asynchronous refinements. Never throws or rejects.
 */
export function completionOf(
  value: unknown,
  output: z.ZodType | undefined,
  maxReplyBytes: number,
): Completion | Promise<Completion> {
  try {
    if (typeof value === 'object' && value !== null && isReply(value)) {
      return sized(readReplyValue(value), maxReplyBytes);
    }
    if (output === undefined || value instanceof Uint8Array) return sent(value, maxReplyBytes);
    const validated = validate(output, value);
    if (!(validated instanceof Promise)) return sent(checked(validated), maxReplyBytes);
    return validated.then((late) => sent(checked(late), maxReplyBytes)).catch(unsendable);
  } catch (error) {
    return unsendable(error);
  }
}

function sent(result: unknown, maxReplyBytes: number): Completion {
  return sized(succeeded(undefined, encode(result), []), maxReplyBytes);
}

/** The error that a handler chose to answer with, or a `bad_reply` when its body cannot be sent. */
export function functionErrorOf(error: FunctionError, maxReplyBytes: number): Completion {
  try {
    const plain = failed('service_error', error.status, String(error.message), describeError(error));
    const { body, contentType } = encode(error.body);
    if (contentType === undefined) return sized(plain, maxReplyBytes);
    const headers: HeaderPairs = [...plain.headers, [header.contentType, contentType]];
    return sized({ ...plain, headers, body }, maxReplyBytes);
  } catch (thrown) {
    return unsendable(thrown);
  }
}

function checked(validated: Validation): unknown {
  if (validated.ok) return validated.value;
  const first = validated.issues[0];
  throw new Unsendable('it does not satisfy the output schema of the function', {
    type: 'OutputSchema',
    message: `${first?.path || 'the result'}: ${first?.message} (${validated.issues.length} in all)`,
  });
}

function readReplyValue({ status, contentType, headers, body }: ReplyOptions): Completion {
  if (status !== undefined && (!Number.isInteger(status) || status < 200 || status > 599)) {
    throw new Unsendable('its status must be a whole number, 200 to 599');
  }
  if (contentType !== undefined && (typeof contentType !== 'string' || !isMediaType(contentType))) {
    throw new Unsendable('its content type must look like type/subtype');
  }
  const encoded = encode(body);
  if (status !== undefined && BODYLESS.has(status) && encoded.body.length > 0) {
    throw new Unsendable(`a reply of status ${status} has no body`);
  }
  return succeeded(
    status,
    contentType === undefined ? encoded : { body: encoded.body, contentType },
    functionHeaders(headers),
  );
}

function isMediaType(text: string): boolean {
  return text.length <= 256 && MEDIA_TYPE.test(text) && isHeaderValue(text);
}

function functionHeaders(headers: unknown): HeaderPairs {
  if (headers === undefined) return [];
  if (typeof headers !== 'object' || headers === null) throw new Unsendable('its headers must be an object');
  const pairs = Object.entries(headers).map(([name, value]) => {
    if (!isFunctionHeader(name.toLowerCase())) {
      throw new Unsendable('a reply sets headers of the form X-Fn-* only', {
        type: 'HeaderName',
        message: name.slice(0, 200),
      });
    }
    if (typeof value !== 'string' || !isHeaderValue(value)) {
      throw new Unsendable(`its header ${name} must be text without control characters`);
    }
    return [canonicalHeader(name.toLowerCase()), value] as const;
  });
  if (sizeOf(pairs) > MAX_HEADER_BYTES) {
    throw new Unsendable(`its headers of ${sizeOf(pairs)} bytes must be at most ${MAX_HEADER_BYTES}`);
  }
  return pairs;
}

function succeeded(
  asked: number | undefined,
  { body, contentType }: Encoded,
  extra: HeaderPairs,
): Completion {
  const status = asked ?? (body.length === 0 && contentType === undefined ? 204 : 200);
  const headers: (readonly [string, string])[] = [];
  if (status !== 200) headers.push([header.status, String(status)]);
  if (contentType !== undefined && !BODYLESS.has(status)) headers.push([header.contentType, contentType]);
  if (extra.length > 0) headers.push(...extra);
  return { outcome: 'ok', status, headers, body, error: undefined };
}

function sized(completion: Completion, maxReplyBytes: number): Completion {
  if (sizeAtMost(completion.headers) + completion.body.length <= maxReplyBytes) return completion;
  const bytes = sizeOf(completion.headers) + completion.body.length;
  if (bytes <= maxReplyBytes) return completion;
  throw new Unsendable(`its ${bytes} bytes must be at most ${maxReplyBytes}`);
}

function encode(value: unknown): Encoded {
  if (value === undefined) return NOTHING;
  if (value instanceof Uint8Array) return { body: value, contentType: 'application/octet-stream' };
  if (typeof value === 'string') {
    return { body: Buffer.from(value), contentType: 'text/plain; charset=utf-8' };
  }
  // JSON.stringify makes `{}` of a stream, which nobody means.
  if (typeof value === 'object' && value !== null && Symbol.asyncIterator in value) {
    throw new Unsendable('it is a stream; collect it first');
  }
  return { body: Buffer.from(stringify(value)), contentType: 'application/json' };
}

function stringify(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new Unsendable(notJson(error), describeError(error));
  }
  if (text === undefined) throw new Unsendable(`it is no JSON value but a ${typeof value}`);
  return text;
}

/** Says why in our own words: a `toJSON` may throw texts that are not meant for callers. */
function notJson(error: unknown): string {
  const { message } = describeError(error);
  if (error instanceof RangeError) return 'it is too deep or too long for JSON';
  if (error instanceof TypeError && /circular structure/i.test(message)) return 'it contains itself';
  if (error instanceof TypeError && /BigInt/.test(message)) return 'it contains a BigInt, which JSON has not';
  return 'its toJSON or a getter threw';
}

function unsendable(error: unknown): Completion {
  if (error instanceof Unsendable) return badReply(error.message, error.found);
  return badReply('reading it threw', describeError(error));
}
