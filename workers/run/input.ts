import type { MessageHeaders } from '../../protocol/headers.ts';

/** Levels of arrays and objects that a JSON input may have. */
const MAX_JSON_DEPTH = 64;

/** The body should be JSON and is not; the message may be read by callers. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';
}

const JSON_TYPE = /^\s*application\/(?:[a-z0-9!#$&^_.-]+\+)?json\s*(?:;|$)/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * What the handler gets: the parsed JSON when the content type is JSON, or when there is none and the function has an
 * input schema (plain NATS requesters send none), else the bytes. An empty body is undefined where it would be JSON,
 * and where there is no type. Throws an UnreadableBody for what should be JSON and is not.
 */
export function readInput(headers: MessageHeaders, body: Uint8Array, hasSchema: boolean): unknown {
  const contentType = headers['content-type'];
  const json = contentType === undefined ? hasSchema : isJson(contentType);
  if (body.length === 0) return json || contentType === undefined ? undefined : body;
  if (!json) return body;
  if (isTooDeep(body)) throw new UnreadableBody(`the JSON must be at most ${MAX_JSON_DEPTH} levels deep`);
  let text: string;
  try {
    text = decoder.decode(body);
  } catch {
    throw new UnreadableBody('the body is not valid UTF-8');
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own words quote the body, which belongs in no log and no header.
    throw new UnreadableBody('the body is not valid JSON');
  }
}

function isJson(contentType: string): boolean {
  return contentType === 'application/json' || JSON_TYPE.test(contentType);
}

/** Counts brackets outside of strings: no byte of a multi-byte character looks like one of them. */
function isTooDeep(body: Uint8Array): boolean {
  if (!mayBeTooDeep(body)) return false;
  let depth = 0;
  let inString = false;
  for (let i = 0; i < body.length; i++) {
    const byte = body[i];
    if (inString) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inString = false;
    } else if (byte === 0x22) inString = true;
    else if (byte === 0x7b || byte === 0x5b) {
      if (++depth > MAX_JSON_DEPTH) return true;
    } else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return false;
}

/** Without regard to strings, which takes a fifth of the time: most bodies have not so many brackets. */
function mayBeTooDeep(body: Uint8Array): boolean {
  if (body.length <= MAX_JSON_DEPTH) return false;
  let opened = 0;
  // `[` and `{` differ in one bit.
  for (let i = 0; i < body.length; i++) if (((body[i] ?? 0) & 0xdf) === 0x5b) opened++;
  return opened > MAX_JSON_DEPTH;
}
