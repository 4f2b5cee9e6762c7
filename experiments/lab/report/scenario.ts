import { type Html, html, prose } from '../../harness/report/html.ts';
import type { ScenarioResult, Variant } from '../result.ts';
import type { ChartData } from './chart-data.ts';
import { timeFigures } from './charts.ts';
import { checkList } from './checks.ts';
import { figuresTable } from './figures-table.ts';
import { formatCount, formatMany, formatMs } from './format.ts';
import { variantName } from './panels.ts';
import { workersFigure } from './workers.ts';

/** Where the section of a scenario is in the page. */
export function anchorOf({ id }: ScenarioResult): string {
  return `experiment-${encodeURIComponent(id)}`;
}

/** The section of one scenario. What its charts draw is appended to `data`. */
export function scenarioSection(scenario: ScenarioResult, data: ChartData[]): Html {
  const { id, title, question, notebook, variants, checks, error } = scenario;
  return html`
<section class="experiment" id="experiment-${id}">
  <h2><span class="id">${id}</span>${title}</h2>
  <p class="question">${prose(question)}</p>
  <blockquote><b>What the notebook saw</b> ${prose(notebook)}</blockquote>
  ${error === undefined ? undefined : html`<div class="error" role="alert"><b>✗ This experiment could not be run to its end.</b> Its checks count as failed. <pre>${error}</pre></div>`}
  ${variants.length === 0 ? undefined : variantParts(scenario, data)}
  ${checkList(checks, 'What it must show')}
  ${variants.map(logLines)}
</section>`;
}

function variantParts(scenario: ScenarioResult, data: ChartData[]): Html {
  const { variants } = scenario;
  return html`
  <h3>What ran</h3>
  <dl class="variants">${variants.map(
    (variant) => html`
    <dt class="${variant.kind}">${variantName(variant)}</dt><dd>${prose(variant.about)} <span class="quiet">${formatMany(variant.offered, 'call')}, ${formatMs(variant.tookMs)} from the first one to the last answer.${eventsOf(variant)}</span></dd>`,
  )}
  </dl>
  <h3>What happened</h3>
  ${figuresTable(scenario)}
  ${workersFigure(scenario)}
  ${timeFigures(scenario, data)}`;
}

/** What the lab did to a variant and when, in words: also for those who see no chart. */
function eventsOf({ events }: Variant): string {
  if (events.length === 0) return '';
  return ` Meanwhile: ${events.map(({ what, atMs }) => `${what} at ${formatMs(atMs)}`).join(', ')}.`;
}

function logLines({ name, log }: Variant): Html | undefined {
  if (log.length === 0) return undefined;
  return html`
  <details><summary>From the log: <b>${name}</b> <span class="quiet">${formatCount(log.length)} ${log.length === 1 ? 'line' : 'lines'}</span></summary><pre>${log.join('\n')}</pre></details>`;
}
