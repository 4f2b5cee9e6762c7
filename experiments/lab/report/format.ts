/** What is shown where there is no number. */
export const NOTHING = '–';

/** Keeps a number and its unit on one line. */
const SPACE = '\u00a0';

/** `4.2 ms`, `412 ms`, `2.05 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return NOTHING;
  if (Math.abs(ms) >= 999.5) return `${(ms / 1000).toFixed(2)}${SPACE}s`;
  return `${ms.toFixed(Math.abs(ms) < 9.95 && !Number.isInteger(ms) ? 1 : 0)}${SPACE}ms`;
}

/** `1,234`. */
export function formatCount(count: number): string {
  return Number.isFinite(count) ? count.toLocaleString('en-US') : NOTHING;
}

/** `51.3 %`. Only all is 100.0 %, and only none is 0.0 %; `–` of nothing. */
export function formatPercent(part: number, whole: number): string {
  const share = (100 * part) / whole;
  if (!Number.isFinite(share)) return NOTHING;
  const honest = part >= whole || part <= 0 ? share : Math.min(99.9, Math.max(0.1, share));
  return `${honest.toFixed(1)}${SPACE}%`;
}

/** `3 checks`, `1 check`. */
export function formatMany(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** `2025-07-12 18:38 UTC` of an ISO 8601 time; what is none is shown as it is. */
export function formatTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : `${at.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
