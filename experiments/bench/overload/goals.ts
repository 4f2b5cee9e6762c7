import { atLeast, atMost, type GoalResult } from '../../harness/goals.ts';
import type { OverloadOptions } from './options.ts';
import type { Records } from './records.ts';

const SHARE = 0.9;
const REFUSED_P50_MS = 50;
const REFUSED_P99_MS = 250;
const RECOVERY_S = 5;
const OTHERS = ['nginx', 'haproxy'];

/**
 * What must hold when more is offered than can be done. Where even nginx and HAProxy fall below nine tenths, the
 * generator has taken too much of the machine: then the better of them is the measure.
 */
export function judge(
  { handlers, times, afterSeconds }: Pick<OverloadOptions, 'handlers' | 'times' | 'afterSeconds'>,
  records: Records,
): GoalResult[] {
  return handlers.flatMap((handlerMs) =>
    times.flatMap((by) => {
      const run = records.of(handlerMs, by, 'ours');
      if (run === undefined || by === 1) return [];
      const others = OTHERS.flatMap((system) => records.share(handlerMs, by, system) ?? []);
      const needed = others.length === 0 ? SHARE : Math.min(SHARE, Math.max(...others));
      const where = `${handlerMs} ms, ${by} × the peak`;
      const { refusedP50Ms, refusedP99Ms } = run.overload;
      return [
        ...atLeast(`${where}: goodput / peak`, records.share(handlerMs, by, 'ours'), round(needed)),
        ...atMost(`${where}: refusal, median ms`, refusedP50Ms, REFUSED_P50_MS),
        ...atMost(`${where}: refusal, p99 ms`, refusedP99Ms, REFUSED_P99_MS),
        // What was not seen to become normal took at least as long as it was watched.
        ...atMost(`${where}: normal again after s`, run.recoveredAfterS ?? afterSeconds + 1, RECOVERY_S),
      ];
    }),
  );
}

function round(share: number): number {
  return Math.floor(share * 1000) / 1000;
}
