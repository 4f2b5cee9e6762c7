import type { BusMessage, MessageHeaders } from '../../lib/bus.ts';
import { decodeHeaders, NO_HEADERS } from '../../lib/nats-headers.ts';

/** A message on its way through a FakeBroker. */
export interface Packet {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  readonly headerBlock: Uint8Array | undefined;
  readonly noResponders: boolean;
}

/** What a subscription gets of a packet. */
export class FakeMessage implements BusMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly reply: string | undefined;
  readonly noResponders: boolean;
  readonly #headerBlock: Uint8Array | undefined;
  #decoded = false;
  #headers: MessageHeaders | undefined = NO_HEADERS;

  constructor(packet: Packet) {
    this.subject = packet.subject;
    this.data = packet.data;
    this.reply = packet.reply;
    this.noResponders = packet.noResponders;
    this.#headerBlock = packet.headerBlock;
  }

  headers(): MessageHeaders | undefined {
    if (!this.#decoded && this.#headerBlock !== undefined) this.#headers = decodeHeaders(this.#headerBlock);
    this.#decoded = true;
    return this.#headers;
  }
}

/** Whether a subject is one of those that a subscription's tokens name: `*` is one token, `>` all that follow. */
export function matches(tokens: readonly string[], subject: string): boolean {
  const found = subject.split('.');
  for (const [index, token] of tokens.entries()) {
    if (token === '>') return found.length > index;
    if (found[index] === undefined || (token !== '*' && token !== found[index])) return false;
  }
  return found.length === tokens.length;
}
