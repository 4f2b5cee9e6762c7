import type { ScenarioResult, Variant } from '../result.ts';
import { outcomeIndexes } from './outcomes.ts';
import { thin, thinByKind } from './thin.ts';

/** What the script in the page draws. Times in milliseconds since the first call was due; charts of a row share scales. */
export interface ChartData {
  readonly kind: 'counts' | 'answers';
  /** Charts with the same row point at the same moment together. */
  readonly row: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Upper end of the other scale: calls, or milliseconds. */
  readonly most: number;
  readonly budgetMs: number;
  readonly events: readonly { readonly atMs: number; readonly what: string }[];
  readonly atMs: readonly number[];
  /** `counts`: waiting, buffered, running. `answers`: milliseconds, and the place of the outcome in `OUTCOMES`. */
  readonly values: readonly (readonly number[])[];
}

/** A chart, and what was left out of it. */
export interface Chart {
  readonly variant: Variant;
  readonly data: ChartData;
  readonly points: { readonly drawn: number; readonly all: number };
}

/** Points of one chart: more cannot be told apart, and make the page large. */
export const MAX_POINTS = 1500;

/** How many calls wait, are buffered and run over time, for each variant; empty when no variant has such figures. */
export function countCharts(scenario: ScenarioResult, row: string): Chart[] {
  const { variants } = scenario;
  const most = greatest(variants.flatMap(({ samples }) => samples.flatMap((one) => countsOf(one))));
  if (variants.every(({ samples }) => samples.length === 0)) return [];
  return variants.map((variant) => {
    const samples = thin(
      variant.samples,
      MAX_POINTS,
      [0, 1, 2].map((index) => (sample) => countsOf(sample)[index] ?? 0),
    );
    const counts = samples.map(countsOf);
    return {
      variant,
      points: { drawn: samples.length, all: variant.samples.length },
      data: {
        ...frameOf(scenario, variant),
        kind: 'counts',
        row,
        most: Math.max(1, most),
        atMs: samples.map(({ atMs }) => rounded(atMs)),
        values: [0, 1, 2].map((index) => counts.map((values) => values[index] ?? 0)),
      },
    };
  });
}

/** When each call got which answer, for each variant; empty when there was no call. */
export function answerCharts(scenario: ScenarioResult, row: string): Chart[] {
  const { variants } = scenario;
  if (variants.every(({ calls }) => calls.length === 0)) return [];
  const most = greatest(
    variants.flatMap(({ calls, budgetMs }) => [budgetMs, ...calls.map(({ tookMs }) => tookMs)]),
  );
  return variants.map((variant) => {
    const indexOf = outcomeIndexes(variant);
    const calls = thinByKind(
      variant.calls.toSorted((one, other) => one.atMs - other.atMs),
      MAX_POINTS,
      ({ code }) => indexOf(code),
      ({ tookMs }) => tookMs,
    );
    return {
      variant,
      points: { drawn: calls.length, all: variant.calls.length },
      data: {
        ...frameOf(scenario, variant),
        kind: 'answers',
        row,
        most,
        atMs: calls.map(({ atMs }) => rounded(atMs)),
        values: [calls.map(({ tookMs }) => rounded(tookMs)), calls.map(({ code }) => indexOf(code))],
      },
    };
  });
}

function frameOf({ variants }: ScenarioResult, { budgetMs, events }: Variant) {
  const moments = variants.flatMap((variant) => [
    variant.tookMs,
    ...[...variant.events, ...variant.samples, ...variant.calls].map(({ atMs }) => atMs),
  ]);
  return {
    fromMs: Math.min(0, -greatest(moments.map((moment) => -moment))),
    toMs: Math.max(1, greatest(moments)),
    budgetMs,
    events: events.map(({ atMs, what }) => ({ atMs: rounded(atMs), what })),
  };
}

function countsOf({ waiting, buffered, running }: Variant['samples'][number]): number[] {
  return [waiting, buffered, running];
}

/** Not by `Math.max(...)`, which does not take a hundred thousand. */
function greatest(values: readonly number[]): number {
  return values.reduce((most, value) => (value > most ? value : most), Number.NEGATIVE_INFINITY);
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
