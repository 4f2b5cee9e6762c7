import { atLeast, atMost, type GoalResult } from '../../harness/goals.ts';
import { type Cell, type Figure, figures, type Records } from './records.ts';

const ONE: Cell = { connections: 1, bodyBytes: 256 };
const MANY: Cell = { connections: 64, bodyBytes: 256 };
const LARGE: readonly Cell[] = [16_384, 262_144].map((bodyBytes) => ({ connections: 64, bodyBytes }));

/** What a call of the product may cost beside others, as medians over the rounds; what was not measured is not judged. */
export function judge(records: Records): GoalResult[] {
  const ratio = (cell: Cell, to: string, figure: Figure) => records.ratio(cell, 'ours', to, figure)?.median;
  const messages = records.spread(ONE, 'ours', figures.messages)?.median;
  return [
    ...judgeMany(records, 'ours', '64 connections'),
    ...atMost('p50 / Hono on the floor, one connection', ratio(ONE, 'hono-floor', figures.p50Ms), 1.4),
    ...atMost(
      'gateway CPU / Hono on the floor, one connection',
      ratio(ONE, 'hono-floor', figures.gateway),
      1.5,
    ),
    // One connection leaves slots free. A little more than 4, for the states that workers tell meanwhile.
    ...atMost('broker messages per call, one connection', messages, 4.05),
    ...LARGE.flatMap((cell) =>
      atMost(
        `gateway CPU / floor, bodies of ${cell.bodyBytes / 1024} KiB`,
        ratio(cell, 'floor', figures.gateway),
        1.3,
      ),
    ),
    ...judgeMany(records, 'ours-free', '64 connections, slots for all'),
  ];
}

function judgeMany(records: Records, system: string, where: string): GoalResult[] {
  const ratio = (to: string, figure: Figure) => records.ratio(MANY, system, to, figure)?.median;
  return [
    ...atMost(`gateway CPU / floor, ${where}`, ratio('floor', figures.gateway), 1.6),
    ...atMost(`gateway CPU / Hono on the floor, ${where}`, ratio('hono-floor', figures.gateway), 1.35),
    ...atMost(`worker CPU / bare subscription, ${where}`, ratio('floor', figures.worker), 3),
    ...atMost(`CPU of the whole stack / Moleculer, ${where}`, ratio('moleculer', figures.stack), 0.45),
    ...atLeast(`calls/s / Moleculer, ${where}`, ratio('moleculer', figures.perSecond), 2.5),
    ...atLeast(`calls/s / NestJS, ${where}`, ratio('nestjs', figures.perSecond), 3.5),
    ...atLeast(`calls/s / nginx and a Node worker, ${where}`, ratio('nginx', figures.perSecond), 0.5),
  ];
}
