import { bar, gridLine, legend, line, seriesColor, svgDocument, text } from '../../../harness/report/svg.ts';
import type { Records } from '../records.ts';
import { titles } from '../systems/all.ts';
import { isShort, type Workload } from '../workloads.ts';

const WIDTH = 960;
const LEFT = 48;
const RIGHT = WIDTH - 220;
const TOP = 48;
const PLOT_HEIGHT = 280;
const BOTTOM = TOP + PLOT_HEIGHT;
const HEIGHT = BOTTOM + 48;

/** Goodput of every system in every workload, as groups of bars; undefined when there is nothing to show. */
export function goodputChart(
  workloads: readonly Workload[],
  systems: readonly string[],
  records: Records,
): string | undefined {
  const shown = workloads.filter((workload) => !isShort(workload));
  if (shown.length === 0) return undefined;
  const groupWidth = (RIGHT - LEFT) / shown.length;
  const barWidth = (0.85 * groupWidth) / systems.length;
  const bars = shown.flatMap(({ id }, group) => {
    const x = LEFT + group * groupWidth;
    const ofGroup = systems.flatMap((system, i) => {
      const goodput = records.goodput(id, system);
      if (goodput === undefined) return [];
      const hint = `${id}, ${plainTitle(system)}: ${(100 * goodput).toFixed(1)} %`;
      const height = goodput * PLOT_HEIGHT;
      return bar(x + i * barWidth, BOTTOM - height, barWidth, height, seriesColor(i), hint);
    });
    return [...ofGroup, text(x + groupWidth / 2, BOTTOM + 18, id, 'middle')];
  });
  const title = 'Goodput: answered within 500 ms / offered';
  return svgDocument(WIDTH, HEIGHT, title, [
    ...percentGrid(),
    ...bars,
    ...legend(systems.map(plainTitle), RIGHT + 16, TOP),
  ]);
}

/** Goodput over load with four equal workers; undefined when fewer than two loads were run. */
export function loadChart(
  workloads: readonly Workload[],
  systems: readonly string[],
  records: Records,
): string | undefined {
  const loads = workloads.filter(({ id }) => id.startsWith('W2@'));
  const greatest = Math.max(...loads.map(({ load }) => load ?? 0));
  if (loads.length < 2) return undefined;
  const x = (load: number) => LEFT + (load / greatest) * (RIGHT - LEFT);
  const lines = systems.map((system, i) => {
    const points = loads.flatMap(({ id, load = 0 }) => {
      const goodput = records.goodput(id, system);
      return goodput === undefined ? [] : [[x(load), BOTTOM - goodput * PLOT_HEIGHT] as const];
    });
    return line(points, seriesColor(i));
  });
  const ticks = loads.map(({ load = 0 }) => text(x(load), BOTTOM + 18, String(load), 'middle'));
  const axis = text((LEFT + RIGHT) / 2, BOTTOM + 38, 'offered work / capacity', 'middle');
  const title = 'Goodput over load: 4 workers, exponential 100 ms, deadline 500 ms';
  return svgDocument(WIDTH, HEIGHT, title, [
    ...percentGrid(),
    ...lines,
    ...ticks,
    axis,
    ...legend(systems.map(plainTitle), RIGHT + 16, TOP),
  ]);
}

function percentGrid(): string[] {
  return [0, 25, 50, 75, 100].flatMap((share) => {
    const y = BOTTOM - (share / 100) * PLOT_HEIGHT;
    return [gridLine(LEFT, RIGHT, y), text(LEFT - 8, y + 4, `${share} %`, 'end')];
  });
}

function plainTitle(system: string): string {
  return (titles[system] ?? system).replaceAll('*', '');
}
