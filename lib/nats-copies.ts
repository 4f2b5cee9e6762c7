import { createHash } from 'node:crypto';
import type { BusMessage } from './bus.ts';

/**
 * Tells second copies apart while a subscription without a queue group lives on two links: each message then
 * arrives on both, in any order. Messages are compared by subject, reply subject, headers and body.
 */
export class Copies {
  /** How many times more a message came on the old link (positive) or on the new one (negative). */
  readonly #lead = new Map<string, number>();

  /** Whether the other link has delivered this one already. `scope` tells subscriptions apart. */
  isCopy(scope: number, message: BusMessage, onOldLink: boolean): boolean {
    // The server's own 503 goes to the link that asked alone.
    if (message.noResponders) return false;
    const key = keyOf(scope, message);
    const lead = this.#lead.get(key) ?? 0;
    const newLead = onOldLink ? lead + 1 : lead - 1;
    if (newLead === 0) this.#lead.delete(key);
    else this.#lead.set(key, newLead);
    return onOldLink ? lead < 0 : lead > 0;
  }
}

function keyOf(scope: number, message: BusMessage): string {
  const hash = createHash('sha1').update(JSON.stringify(message.headers() ?? null));
  return `${scope} ${message.subject} ${message.reply ?? ''} ${hash.update(message.data).digest('base64')}`;
}
