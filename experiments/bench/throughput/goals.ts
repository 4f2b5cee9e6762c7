import { atLeast, atMost, type GoalResult } from '../../harness/goals.ts';
import { type Cell, type Figure, figures, type Records } from './records.ts';

const ONE: Cell = { connections: 1, bodyBytes: 256 };
const MANY: Cell = { connections: 64, bodyBytes: 256 };
const LARGE: readonly Cell[] = [16_384, 262_144].map((bodyBytes) => ({ connections: 64, bodyBytes }));

/** What a call of the product may cost beside others, as medians over the rounds; what was not measured is not judged. */
export function judge(records: Records): GoalResult[] {
  const ratio = (cell: Cell, to: string, figure: Figure) => records.ratio(cell, 'ours', to, figure)?.median;
  return [
    ...atMost('gateway CPU / floor, 64 connections', ratio(MANY, 'floor', figures.gateway), 1.6),
    ...atMost('gateway CPU / Hono on the floor', ratio(MANY, 'hono-floor', figures.gateway), 1.35),
    ...atMost('worker CPU / bare subscription', ratio(MANY, 'floor', figures.worker), 3),
    ...atMost("whole stack's CPU / Moleculer's", ratio(MANY, 'moleculer', figures.stack), 0.45),
    ...atLeast('calls/s / Moleculer', ratio(MANY, 'moleculer', figures.perSecond), 2.5),
    ...atLeast('calls/s / NestJS', ratio(MANY, 'nestjs', figures.perSecond), 3.5),
    ...atLeast('calls/s / nginx and a Node worker', ratio(MANY, 'nginx', figures.perSecond), 0.5),
    ...atMost('p50 / Hono on the floor, one connection', ratio(ONE, 'hono-floor', figures.p50Ms), 1.4),
    ...atMost(
      'gateway CPU / Hono on the floor, one connection',
      ratio(ONE, 'hono-floor', figures.gateway),
      1.5,
    ),
    // Free slots; a little more, for the states that workers tell meanwhile.
    ...atMost(
      'broker messages per call, one connection',
      records.spread(ONE, 'ours', figures.messages)?.median,
      4.05,
    ),
    ...LARGE.flatMap((cell) =>
      atMost(
        `gateway CPU / floor, bodies of ${cell.bodyBytes / 1024} KiB`,
        ratio(cell, 'floor', figures.gateway),
        1.3,
      ),
    ),
  ];
}
