import type { MessageHeaders } from '../../protocol/headers.ts';

/** Levels of arrays and objects that a JSON input may have. */
export const MAX_JSON_DEPTH = 64;

/** The body is not what its content type says; the message may be read by callers. */
export class UnreadableBody extends Error {
  override readonly name = 'UnreadableBody';
}

const JSON_TYPE = /^\s*application\/(?:[a-z0-9!#$&^_.-]+\+)?json\s*(?:;|$)/i;
const decoder = new TextDecoder('utf-8', { fatal: true });

/**
 * What the handler gets: the parsed JSON when the content type is JSON (an empty body is undefined), else the
 * bytes; undefined when there is neither a type nor a body. Throws an UnreadableBody for what is not JSON.
 */
export function readInput(headers: MessageHeaders, body: Uint8Array): unknown {
  const contentType = headers['content-type'];
  const json = contentType !== undefined && JSON_TYPE.test(contentType);
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

/** Counts brackets outside of strings: no byte of a multi-byte character looks like one of them. */
function isTooDeep(body: Uint8Array): boolean {
  if (body.length <= MAX_JSON_DEPTH) return false;
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
