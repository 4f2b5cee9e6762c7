import type { HeaderPairs, MessageHeaders } from './bus.ts';
import { BusError } from './bus-error.ts';

// Own code instead of the client's, which is slower in the path of every message, throws while it decodes, and
// tells the size of a block only when the message is sent.

const VERSION = 'NATS/1.0';
const NAME = /^[\x21-\x39\x3b-\x7e]+$/;
const LINE_BREAK = /[\r\n\0]/;

/** The header block as it goes over the wire. Throws when a name or value would break out of its line. */
export function encodeHeaders(pairs: HeaderPairs): Buffer {
  let block = `${VERSION}\r\n`;
  for (const [name, value] of pairs) {
    if (!NAME.test(name)) {
      throw new BusError('bad_header', `header name ${quoted(name)} must be visible ASCII without a colon`);
    }
    if (LINE_BREAK.test(value)) {
      throw new BusError('bad_header', `value of header ${name} must not contain CR, LF or NUL`);
    }
    block += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${block}\r\n`);
}

/** Lower-case names to first values; undefined when the block is malformed. */
export function decodeHeaders(block: Uint8Array): MessageHeaders | undefined {
  const [first, ...lines] = text(block).split('\r\n');
  if (!first?.startsWith(VERSION)) return undefined;
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    if (line === '') continue;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon < 1 || !NAME.test(name)) return undefined;
    headers[name.toLowerCase()] ??= line.slice(colon + 1).trim();
  }
  return headers;
}

/** Whether the block is the server's word that a subject has no subscriber: `NATS/1.0 503`. */
export function isNoResponders(block: Uint8Array): boolean {
  return /^NATS\/1\.0 +503\b/.test(text(block.subarray(0, 20)));
}

/** Headers of a message that has none. */
export const NO_HEADERS: MessageHeaders = Object.freeze(Object.create(null));

function text(block: Uint8Array): string {
  return Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString();
}

function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}
