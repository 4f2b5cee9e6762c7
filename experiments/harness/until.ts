import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

/** Asks `read` again until it returns something. Throws when it does not within `limitMs`, and when the signal fires. */
export async function until<T>(
  what: string,
  limitMs: number,
  read: () => T | undefined | Promise<T | undefined>,
  signal?: AbortSignal,
): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(POLL_MS, undefined, { signal });
  }
}
