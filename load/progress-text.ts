import type { LoadProgress } from './load.ts';
import { msText, secondsText } from './summary-text.ts';

/** Turns a growing count into how fast it grew lately. */
export class Rate {
  readonly #windowMs: number;
  readonly #samples: { readonly atMs: number; readonly count: number }[] = [{ atMs: 0, count: 0 }];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** `count` at `atMs`, which never decreases; answers with its growth per second over the window before. */
  perSecond(atMs: number, count: number): number {
    this.#samples.push({ atMs, count });
    while ((this.#samples[1]?.atMs ?? atMs) <= atMs - this.#windowMs) this.#samples.shift();
    const [oldest] = this.#samples;
    if (oldest === undefined || atMs <= oldest.atMs) return 0;
    return ((count - oldest.count) * 1000) / (atMs - oldest.atMs);
  }
}

/** Where a load stands, in one line without line feed; what matters most comes first, since a terminal may cut it. */
export function progressText(progress: LoadProgress, resultsPerSecond: number): string {
  const { elapsedMs, leftMs, sent, inFlight, latencyMs, failures, paused } = progress;
  return [
    leftMs > 0
      ? `${secondsText(elapsedMs)}, ${secondsText(leftMs)} left`
      : `${secondsText(elapsedMs)}, waits for answers`,
    `sent ${sent}`,
    `in flight ${inFlight}`,
    `ok/s ${resultsPerSecond.toFixed(1)}`,
    ...(latencyMs ? [`p50 ${msText(latencyMs.p50)} ms`, `p99 ${msText(latencyMs.p99)} ms`] : []),
    ...(paused > 0 ? [`paused ${paused}`] : []),
    ...failures.map(({ code, count }) => `${code} ${count}`),
  ].join('  ');
}
