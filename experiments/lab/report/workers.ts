import { type Html, html } from '../../harness/report/html.ts';
import type { ScenarioResult, Variant, WorkerFigures } from '../result.ts';
import { formatCount } from './format.ts';
import { panels } from './panels.ts';

const BARS = [
  { key: 'received', label: 'received' },
  { key: 'answered', label: 'answered in time' },
  { key: 'wasted', label: 'ran in vain' },
] as const;

/** What became of the calls of each worker, as bars on one scale; undefined when no variant has a worker. */
export function workersFigure({ variants }: ScenarioResult): Html | undefined {
  const workers = variants.flatMap((variant) => variant.workers);
  if (workers.length === 0) return undefined;
  const most = Math.max(
    1,
    ...workers.flatMap(({ received, answered, wasted }) => [received, answered, wasted]),
  );
  return html`
<figure>
  <h4>What each worker did</h4>
  <figcaption>Numbers of calls, all bars on one scale.</figcaption>
  ${panels(variants, (variant) => variantBars(variant, most))}
</figure>`;
}

function variantBars({ workers }: Variant, most: number): Html {
  if (workers.length === 0) return html`<p class="quiet">No worker.</p>`;
  return html`<dl class="workers">${workers.map((worker) => workerBars(worker, most))}</dl>`;
}

function workerBars(worker: WorkerFigures, most: number): Html {
  return html`
<dt>${worker.name}</dt>
<dd>${BARS.map(
    ({ key, label }) => html`
  <span class="what">${label}</span><span class="track"><span class="bar ${key}" style="width:${share(worker[key], most)}%"></span><span class="number">${formatCount(worker[key])}</span></span>`,
  )}
</dd>`;
}

/** Of the room for bars, that for the number behind the longest excluded. */
function share(count: number, most: number): string {
  return ((count / most) * 84).toFixed(2);
}
