import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `read` returns something; rejects with what was missed after `limitMs`. */
export async function until<T>(
  read: () => T | undefined | Promise<T | undefined>,
  limitMs: number,
  missed: string | (() => string),
): Promise<T> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const value = await read();
    if (value !== undefined) return value;
    if (performance.now() > giveUpAt) {
      const what = typeof missed === 'string' ? missed : missed();
      throw new Error(`not seen within ${limitMs} ms: ${what}`);
    }
    await pause(10);
  }
}
