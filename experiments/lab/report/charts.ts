import { type Html, html, markup } from '../../harness/report/html.ts';
import type { ScenarioResult } from '../result.ts';
import { answerCharts, type Chart, type ChartData, countCharts } from './chart-data.ts';
import { formatCount } from './format.ts';
import { OUTCOMES } from './outcomes.ts';
import { panels } from './panels.ts';

/** The figures over time of one scenario. What they draw is appended to `data`: the script finds it by its place there. */
export function timeFigures(scenario: ScenarioResult, data: ChartData[]): Html {
  const counts = countCharts(scenario, `counts of ${scenario.id}`);
  const answers = answerCharts(scenario, `answers of ${scenario.id}`);
  return html`
${figure(counts, data, {
  title: 'Where calls are, over time',
  legend: COUNT_LEGEND,
  about: 'How many calls there are at each moment.',
  points: 'moments',
})}
${figure(answers, data, {
  title: 'How long each answer took',
  legend: ANSWER_LEGEND,
  about:
    'One mark for each call: from left to right when it was due, upwards how long its caller waited for the answer. The dashed line is the budget.',
  points: 'calls',
})}`;
}

interface FigureTexts {
  readonly title: string;
  readonly legend: Html;
  readonly about: string;
  /** What one point is, of many. */
  readonly points: string;
}

function figure(charts: readonly Chart[], data: ChartData[], texts: FigureTexts): Html | undefined {
  if (charts.length === 0) return undefined;
  const places = charts.map((chart) => data.push(chart.data) - 1);
  return html`
<figure class="over-time">
  <h4>${texts.title}</h4>
  <figcaption>${texts.about}${charts.map(({ variant, points }) =>
    points.drawn === points.all
      ? undefined
      : html` ${variant.name}: ${formatCount(points.drawn)} of ${formatCount(points.all)} ${texts.points} are drawn, the extremes among them.`,
  )}</figcaption>
  <div class="legend">${texts.legend}</div>
  ${panels(
    charts.map(({ variant }) => variant),
    (variant, index) => html`
<div class="chart" data-chart="${places[index]}" role="img" aria-label="${texts.title}: ${variant.name}"></div>
<p class="readout" aria-hidden="true"></p>`,
  )}
</figure>`;
}

/** As the script draws them. */
const COUNT_LEGEND = html`
<span><svg width="26" height="12" aria-hidden="true"><path d="M0 6H26" stroke="var(--waiting)" stroke-width="2"/></svg>waiting: sent and not yet answered, as callers see it</span>
<span><svg width="26" height="12" aria-hidden="true"><path d="M0 6H26" stroke="var(--buffered)" stroke-width="2" stroke-dasharray="7 3"/></svg>buffered: received by a worker and not begun</span>
<span><svg width="26" height="12" aria-hidden="true"><rect y="2" width="26" height="10" fill="var(--area)"/><path d="M0 2H26" stroke="var(--running)"/></svg>running</span>`;

/** As the script draws them. */
const MARKS = {
  result: '<circle cx="6" cy="6" r="3.5" fill="var(--result)"/>',
  refused: '<circle cx="6" cy="6" r="3.5" fill="none" stroke="var(--refused)" stroke-width="1.6"/>',
  late: '<path d="M2.5 2.5L9.5 9.5M9.5 2.5L2.5 9.5" stroke="var(--late)" stroke-width="1.8"/>',
  lost: '<rect x="2.5" y="2.5" width="7" height="7" fill="var(--lost)"/>',
} as const;

const ANSWER_LEGEND = html`${OUTCOMES.map(
  ({ key, label }) => html`
<span><svg width="12" height="12" aria-hidden="true">${markup(MARKS[key])}</svg>${label}</span>`,
)}`;
