import { atMost, type GoalResult } from '../../harness/goals.ts';
import type { ScaleOptions } from './options.ts';
import { figures, type Records } from './records.ts';

/** What is flat may scatter by so much. */
const FLAT = 1.15;
/** Each group is owed every call: there is no way for a call to cost the same. */
const NOT_FLAT = ['groups'];
const IDLE_SHARE = 0.1;

/** What must not grow, at the greatest level of each dimension that was measured. */
export function judge({ dimensions }: Pick<ScaleOptions, 'dimensions'>, records: Records): GoalResult[] {
  return Object.entries(dimensions).flatMap(([name, { levels, title }]) => {
    const [first, last] = [levels[0], levels.at(-1)];
    if (first === undefined || last === undefined || first === last) return [];
    const growth = records.growth(name, last, first, figures.gatewayUs);
    const idle = records.median(name, last, figures.idleShare);
    return [
      ...(NOT_FLAT.includes(name)
        ? []
        : atMost(`gateway CPU per call, ${first} → ${last} ${title}`, growth, FLAT)),
      ...(name === 'workers'
        ? atMost(`idle gateway, ${last} workers: share of a core`, idle, IDLE_SHARE)
        : []),
    ];
  });
}
