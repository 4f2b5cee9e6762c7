import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Processor time in /proc is counted in hundredths of a second. */
const TICK_MS = 10;

/**
 * Measures how much of the machine others use, from now on: other programs, and other guests of the same host
 * (steal). The returned function takes the milliseconds of processor time that the run itself has used since and
 * returns the share of all processors that went elsewhere, 0 to 1; undefined where there is no /proc.
 */
export function watchForeignLoad(): (ownMs: number) => number | undefined {
  const from = { at: performance.now(), busyMs: busyMs() };
  return (ownMs) => {
    const now = busyMs();
    if (now === undefined || from.busyMs === undefined) return undefined;
    const capacityMs = (performance.now() - from.at) * availableParallelism();
    return Math.max(0, now - from.busyMs - ownMs) / capacityMs;
  };
}

/** All processors since the machine's start, whatever they did but idle and wait. */
function busyMs(): number | undefined {
  try {
    const [, ...fields] = (readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '').split(/\s+/);
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields.map(Number);
    return (user + nice + system + irq + softirq + steal) * TICK_MS;
  } catch {
    return undefined;
  }
}
