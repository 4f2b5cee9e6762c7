import { bar, gridLine, seriesColor, svgDocument, text } from '../../../harness/report/svg.ts';
import { type Cell, figures, type Records } from '../records.ts';
import type { System } from '../systems/all.ts';

const WIDTH = 960;
const LEFT = 300;
const RIGHT = WIDTH - 130;
const TOP = 68;
const ROW = 34;
const ROLES = ['gateway', 'worker', 'broker'] as const;

/** Processor time of a call as stacked bars, a row for each system; undefined when the cell was not measured. */
export function processorChart(
  cell: Cell,
  systems: Readonly<Record<string, Pick<System, 'title'>>>,
  records: Records,
): string | undefined {
  const shown = Object.entries(systems).filter(([name]) => records.of(cell, name).length > 0);
  if (shown.length === 0) return undefined;
  const us = (name: string, role: (typeof ROLES)[number]) =>
    records.spread(cell, name, figures[role])?.median ?? 0;
  const greatest = Math.max(
    ...shown.map(([name]) => ROLES.reduce((total, role) => total + us(name, role), 0)),
  );
  const scale = (RIGHT - LEFT) / Math.max(1, greatest);
  const rows = shown.flatMap(([name, { title }], row) => {
    const y = TOP + row * ROW;
    let x = LEFT;
    const bars = ROLES.map((role, i) => {
      const width = us(name, role) * scale;
      const drawn = bar(x, y, width, ROW - 10, seriesColor(i), `${role}: ${us(name, role).toFixed(0)} µs`);
      x += width;
      return drawn;
    });
    const perSecond = records.spread(cell, name, figures.perSecond)?.median ?? 0;
    const label = `${ROLES.reduce((total, role) => total + us(name, role), 0).toFixed(0)} µs, ${perSecond.toFixed(0)}/s`;
    const middle = y + ROW / 2 - 1;
    return [
      text(LEFT - 10, middle, title.replaceAll(/[*`]/g, ''), 'end'),
      ...bars,
      text(x + 8, middle, label, 'start'),
    ];
  });
  const legend = ROLES.flatMap((role, i) => [
    bar(LEFT + i * 90, 38, 12, 12, seriesColor(i), ''),
    text(LEFT + 18 + i * 90, 48, role, 'start'),
  ]);
  const bottom = TOP + shown.length * ROW;
  const title = `Processor time of a call: ${cell.connections} connections, ${cell.bodyBytes} bytes`;
  return svgDocument(WIDTH, bottom + 16, title, [...legend, gridLine(LEFT, RIGHT, bottom), ...rows]);
}
