import { gridLine, legend, line, seriesColor, svgDocument, text } from '../../../harness/report/svg.ts';
import type { ScaleOptions } from '../options.ts';
import { figures, type Records } from '../records.ts';

const WIDTH = 960;
const HEIGHT = 360;
const TOP = 48;
const BOTTOM = HEIGHT - 56;
const LEFT = 56;
const RIGHT = WIDTH - 160;
const MOST = 3;

/**
 * How the gateway's processor time for each call grows, a line for each dimension, over the size of the system as a
 * share of the greatest level (logarithmic); undefined when nothing was measured at two levels.
 */
export function growthChart(
  { dimensions }: Pick<ScaleOptions, 'dimensions'>,
  records: Records,
): string | undefined {
  const names = Object.keys(dimensions);
  const y = (growth: number) => BOTTOM - (Math.min(MOST, growth) / MOST) * (BOTTOM - TOP);
  const series = names.map((name) => {
    const levels = dimensions[name]?.levels ?? [];
    return levels.flatMap((level, i) => {
      const growth = records.growth(name, level, levels[0] ?? 0, figures.gatewayUs);
      const x = LEFT + (i / Math.max(1, levels.length - 1)) * (RIGHT - LEFT);
      return growth === undefined ? [] : [[x, y(growth)] as const];
    });
  });
  if (!series.some((points) => points.length > 1)) return undefined;
  const grid = [0, 1, 2, MOST].flatMap((growth) => [
    gridLine(LEFT, RIGHT, y(growth)),
    text(LEFT - 8, y(growth) + 4, `${growth} ×`, 'end'),
  ]);
  const labels = names.map((name) => {
    const levels = dimensions[name]?.levels ?? [];
    return `${name} ${levels[0]} → ${levels.at(-1)?.toLocaleString('en')}`;
  });
  return svgDocument(
    WIDTH,
    HEIGHT,
    'Processor time of the gateway for a call, as a multiple of that in a small system',
    [
      ...grid,
      ...series.map((points, i) => line(points, seriesColor(i))),
      text((LEFT + RIGHT) / 2, BOTTOM + 30, 'size of the system, level by level', 'middle'),
      ...legend(labels, RIGHT + 12, TOP),
    ],
  );
}
