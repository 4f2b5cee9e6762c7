import { type Content, codeName, type Html, html, prose } from '../../harness/report/html.ts';
import type { AnswerCount, ScenarioResult, Variant } from '../result.ts';
import { formatCount, formatMs, formatPercent, NOTHING } from './format.ts';
import { countOutcomes } from './outcomes.ts';
import { variantName } from './panels.ts';

interface Row {
  readonly label: Content;
  cell(variant: Variant): Content;
  /** Left out when this is false for all variants. */
  isNeeded?(variant: Variant): boolean;
}

/** The figures of a scenario: variants as columns, those of ours set off. */
export function figuresTable({ title, variants }: ScenarioResult): Html {
  const groups: [heading: string, rows: readonly Row[]][] = [
    ['Calls', CALL_ROWS],
    ['Work', WORK_ROWS],
    ['Time to the answer, of any kind', LATENCY_ROWS],
    ['In this experiment', factRows(variants)],
    ['What callers were told', outcomeRows(variants)],
  ];
  return html`
<div class="scroll" tabindex="0" role="region" aria-label="Figures: ${title}">
<table class="figures">
  <thead><tr><td></td>${variants.map((variant) => html`<th scope="col" class="${variant.kind}">${variantName(variant)}</th>`)}</tr></thead>
  ${groups.map(([heading, rows]) => group(heading, rows, variants))}
</table>
</div>`;
}

function group(heading: string, rows: readonly Row[], variants: readonly Variant[]): Html | undefined {
  const needed = rows.filter(({ isNeeded }) => isNeeded === undefined || variants.some(isNeeded));
  if (needed.length === 0) return undefined;
  return html`
  <tbody>
    <tr class="heading"><th scope="rowgroup">${heading}</th>${variants.map(({ kind }) => html`<td class="${kind}"></td>`)}</tr>${needed.map(
      ({ label, cell }) => html`
    <tr><th scope="row">${label}</th>${variants.map((variant) => html`<td class="${variant.kind}">${cell(variant)}</td>`)}</tr>`,
    )}
  </tbody>`;
}

const countCell = (isMeant: (outcome: AnswerCount) => boolean) => (variant: Variant) =>
  ofOffered(countOutcomes(variant, isMeant), variant);

const CALL_ROWS: readonly Row[] = [
  { label: 'offered', cell: ({ offered }) => formatCount(offered) },
  { label: 'budget of each', cell: ({ budgetMs }) => formatMs(budgetMs) },
  {
    label: html`<b>answered in time</b>`,
    cell: (variant) => html`<b>${ofOffered(variant.inTime, variant)}</b>`,
  },
  {
    label: 'answered with a result, too late',
    cell: (variant) => ofOffered(lateResults(variant), variant),
    isNeeded: (variant) => lateResults(variant) > 0,
  },
  { label: html`refused, <code>started: no</code>`, cell: countCell(({ started }) => started === 'no') },
  {
    label: html`failed, <code>started: yes</code>`,
    cell: countCell(isFailure),
    isNeeded: (variant) => countOutcomes(variant, isFailure) > 0,
  },
  {
    label: html`told <code>started: unknown</code>`,
    cell: countCell(({ started }) => started === 'unknown'),
  },
  {
    label: 'connection ended without an answer',
    cell: countCell(isClosed),
    isNeeded: (variant) => countOutcomes(variant, isClosed) > 0,
  },
];

const WORK_ROWS: readonly Row[] = [
  { label: 'runs', cell: (variant) => formatCount(workOf(variant).runs), isNeeded: hasWorkers },
  { label: 'ran in vain', cell: (variant) => formatCount(workOf(variant).wasted), isNeeded: hasWorkers },
  {
    label: 'worker time in vain',
    cell: (variant) => formatPercent(workOf(variant).wastedMs, workOf(variant).workMs),
    isNeeded: hasWorkers,
  },
];

const LATENCY_ROWS: readonly Row[] = [
  { label: 'half of the calls (p50)', cell: ({ latencyMs }) => formatMs(latencyMs?.p50 ?? Number.NaN) },
  { label: '90 of 100 (p90)', cell: ({ latencyMs }) => formatMs(latencyMs?.p90 ?? Number.NaN) },
  { label: '99 of 100 (p99)', cell: ({ latencyMs }) => formatMs(latencyMs?.p99 ?? Number.NaN) },
  { label: 'the slowest', cell: ({ latencyMs }) => formatMs(latencyMs?.max ?? Number.NaN) },
];

function factRows(variants: readonly Variant[]): Row[] {
  const labels = new Set(variants.flatMap(({ facts }) => facts.map(({ label }) => label)));
  return [...labels].map((label) => ({
    label: prose(label),
    cell: ({ facts }) => prose(facts.find((fact) => fact.label === label)?.value ?? NOTHING),
  }));
}

function outcomeRows(variants: readonly Variant[]): Row[] {
  const same = (one: AnswerCount, other: AnswerCount) =>
    one.status === other.status && one.code === other.code && one.started === other.started;
  const kinds: AnswerCount[] = [];
  for (const outcome of variants.flatMap(({ outcomes }) => outcomes)) {
    if (!kinds.some((kind) => same(kind, outcome))) kinds.push(outcome);
  }
  return kinds.map((kind) => ({
    label: html`${kind.status === 0 ? 'no answer' : kind.status} ${codeName(kind.code)}${kind.started === undefined ? undefined : html`<br><span class="quiet">started: ${kind.started}</span>`}`,
    cell: (variant) => formatCount(countOutcomes(variant, (outcome) => same(kind, outcome))),
  }));
}

function ofOffered(count: number, { offered }: Variant): Html {
  return html`${formatCount(count)} <span class="share">${formatPercent(count, offered)}</span>`;
}

function lateResults(variant: Variant): number {
  return countOutcomes(variant, ({ code }) => code === 'ok') - variant.inTime;
}

function isFailure({ started, code }: AnswerCount): boolean {
  return started === 'yes' && code !== 'ok';
}

function isClosed({ status }: AnswerCount): boolean {
  return status === 0;
}

function hasWorkers({ workers }: Variant): boolean {
  return workers.length > 0;
}

function workOf({ workers }: Variant) {
  const total = (key: 'answered' | 'wasted' | 'workMs' | 'wastedMs') =>
    workers.reduce((sum, worker) => sum + worker[key], 0);
  const wasted = total('wasted');
  return { runs: total('answered') + wasted, wasted, workMs: total('workMs'), wastedMs: total('wastedMs') };
}
