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
    if (lowerCaseName(name) === undefined) {
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
  const lines = text(block);
  if (!lines.startsWith(VERSION)) return undefined;
  const headers = new HeaderRecord();
  let at = nextLine(lines, 0);
  while (at < lines.length) {
    const next = nextLine(lines, at);
    const end = next === lines.length && !lines.endsWith('\r\n') ? next : next - 2;
    if (end > at) {
      const colon = lines.indexOf(':', at);
      const name = colon > at && colon < end ? lowerCaseName(lines.slice(at, colon)) : undefined;
      if (name === undefined) return undefined;
      headers[name] ??= trimmed(lines, colon + 1, end);
    }
    at = next;
  }
  return headers;
}

/** An object that inherits nothing: the engine reads and writes it faster than one of `Object.create(null)`. */
class HeaderRecord {
  [name: string]: string;
}
Object.setPrototypeOf(HeaderRecord.prototype, null);
Reflect.deleteProperty(HeaderRecord.prototype, 'constructor');

/** Lower-case forms of names that have come before. Bounded: peers can make names up. */
const knownNames = new Map<string, string>();
const MAX_KNOWN_NAMES = 500;

function lowerCaseName(name: string): string | undefined {
  const known = knownNames.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name)) return undefined;
  const lowerCase = name.toLowerCase();
  if (knownNames.size < MAX_KNOWN_NAMES && name.length <= 64) knownNames.set(name, lowerCase);
  return lowerCase;
}

function nextLine(lines: string, from: number): number {
  const end = lines.indexOf('\r\n', from);
  return end === -1 ? lines.length : end + 2;
}

/** Without the spaces and tabs around it, and with every other character. */
function trimmed(lines: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(lines.charCodeAt(start))) start++;
  while (end > start && isBlank(lines.charCodeAt(end - 1))) end--;
  return lines.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
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
