import { gridLine, legend, line, seriesColor, svgDocument, text } from '../../../harness/report/svg.ts';
import type { OverloadOptions } from '../options.ts';
import type { Records } from '../records.ts';

const WIDTH = 960;
const HEIGHT = 340;
const TOP = 48;
const BOTTOM = HEIGHT - 56;
const LEFT = 56;
const RIGHT = WIDTH - 140;
const GAP = 40;

/** Goodput / peak over what is offered, a panel for each handler; undefined when there are fewer than two loads. */
export function goodputChart(
  { handlers, times, systems }: Pick<OverloadOptions, 'handlers' | 'times' | 'systems'>,
  records: Records,
): string | undefined {
  const greatest = Math.max(...times);
  if (times.length < 2 || records.runs.length === 0) return undefined;
  const names = Object.keys(systems);
  const width = (RIGHT - LEFT - GAP * (handlers.length - 1)) / handlers.length;
  const y = (share: number) => BOTTOM - Math.min(1.1, share) * ((BOTTOM - TOP) / 1.1);
  const panels = handlers.flatMap((handlerMs, panel) => {
    const left = LEFT + panel * (width + GAP);
    const x = (by: number) => left + (Math.log(by) / Math.log(greatest)) * width;
    const lines = names.map((system, i) => {
      const points = times.flatMap((by) => {
        const share = records.share(handlerMs, by, system);
        return share === undefined ? [] : [[x(by), y(share)] as const];
      });
      return line(points, seriesColor(i));
    });
    return [
      ...[0, 0.5, 1].flatMap((share) => [
        gridLine(left, left + width, y(share)),
        ...(panel === 0 ? [text(left - 8, y(share) + 4, `${100 * share} %`, 'end')] : []),
      ]),
      ...lines,
      ...times.map((by) => text(x(by), BOTTOM + 18, `${by} ×`, 'middle')),
      text(left + width / 2, BOTTOM + 40, `handlers of ${handlerMs} ms`, 'middle'),
    ];
  });
  const title = "Goodput / peak over offered calls / the product's peak";
  return svgDocument(WIDTH, HEIGHT, title, [...panels, ...legend(names, RIGHT + 16, TOP)]);
}
