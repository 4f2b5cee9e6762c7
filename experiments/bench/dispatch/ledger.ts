import { readFile } from 'node:fs/promises';
import type { WorkEntry } from './measured-call.ts';

/** When the work of a worker stood still or ended for good, in milliseconds from the start of the run. */
export interface Standstill {
  readonly frozenFrom?: number;
  readonly frozenTo?: number;
  readonly killedAt?: number;
}

/**
 * Reads what a worker noted. Times are milliseconds from `startedAt` (Unix milliseconds). What has no end ended
 * with the worker's kill, or else at `untilAt`. Time spent frozen is cut out: `endedAt` comes that much earlier.
 */
export async function readLedger(
  path: string,
  worker: number,
  startedAt: number,
  untilAt: number,
  standstill: Standstill = {},
): Promise<WorkEntry[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const open = new Map<string, number[]>();
  const entries: WorkEntry[] = [];
  const close = (call: string, beganAt: number, endedAt: number) =>
    entries.push({
      worker,
      call: Number(call),
      beganAt,
      endedAt: endedAt - frozenMs(beganAt, endedAt, standstill),
    });
  for (const line of text.split('\n')) {
    const [what, call, wall] = line.split(' ');
    if (call === undefined || wall === undefined) continue;
    const at = Number(wall) - startedAt;
    // A call of the warm-up.
    if (Number(call) < 0) continue;
    if (what === 'begin') open.set(call, [...(open.get(call) ?? []), at]);
    else {
      const beganAt = open.get(call)?.shift();
      if (beganAt !== undefined) close(call, beganAt, at);
    }
  }
  for (const [call, begins] of open) {
    for (const beganAt of begins) close(call, beganAt, Math.max(beganAt, standstill.killedAt ?? untilAt));
  }
  return entries;
}

function frozenMs(beganAt: number, endedAt: number, { frozenFrom, frozenTo }: Standstill): number {
  if (frozenFrom === undefined) return 0;
  return Math.max(0, Math.min(endedAt, frozenTo ?? endedAt) - Math.max(beganAt, frozenFrom));
}
