import { escaped } from './html.ts';

/** Ten hues that can be told apart on light and on dark. */
const HUES = [215, 150, 95, 45, 0, 330, 280, 255, 185, 25];

/** Style of a series: a colour that follows the reader's light or dark scheme. */
export function seriesColor(index: number): string {
  return `var(--s${index % HUES.length})`;
}

/** A chart as a document of its own; colours are CSS variables that follow the reader's scheme. */
export function svgDocument(width: number, height: number, title: string, parts: readonly string[]): string {
  const palette = (lightness: number) =>
    HUES.map((hue, i) => `--s${i}:hsl(${hue} 65% ${lightness}%)`).join(';');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">`,
    '<style>',
    `svg{--bg:#fff;--ink:#1f2328;--line:#d0d7de;${palette(42)};font:12px system-ui,sans-serif}`,
    `@media(prefers-color-scheme:dark){svg{--bg:#0d1117;--ink:#e6edf3;--line:#30363d;${palette(62)}}}`,
    'text{fill:var(--ink)}.title{font-size:14px;font-weight:600}.grid{stroke:var(--line)}',
    '</style>',
    `<rect width="${width}" height="${height}" fill="var(--bg)"/>`,
    text(16, 24, title, 'start', 'title'),
    ...parts,
    '</svg>',
  ].join('\n');
}

/** A text at a place. */
export function text(
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end',
  kind = '',
): string {
  const attributes = kind === '' ? '' : ` class="${kind}"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${attributes}>${escaped(content)}</text>`;
}

/** A horizontal line of the grid. */
export function gridLine(x1: number, x2: number, y: number): string {
  return `<line class="grid" x1="${round(x1)}" x2="${round(x2)}" y1="${round(y)}" y2="${round(y)}"/>`;
}

/** A filled rectangle that shows `hint` under the pointer. */
export function bar(
  x: number,
  y: number,
  width: number,
  height: number,
  color: string,
  hint: string,
): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${color}"><title>${escaped(hint)}</title></rect>`;
}

/** A line through points, with a dot at each. */
export function line(points: readonly (readonly [number, number])[], color: string): string {
  const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  const dots = points.map(([x, y]) => `<circle cx="${round(x)}" cy="${round(y)}" r="3" fill="${color}"/>`);
  return `<polyline points="${path}" fill="none" stroke="${color}" stroke-width="2"/>${dots.join('')}`;
}

/** The names of the series, one below the other. */
export function legend(names: readonly string[], x: number, y: number): string[] {
  return names.flatMap((name, i) => [
    bar(x, y + i * 22, 12, 12, seriesColor(i), ''),
    text(x + 18, y + i * 22 + 10, name, 'start'),
  ]);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
