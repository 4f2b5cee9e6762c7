import type { Origin } from '../../../harness/bench-program.ts';
import { type GoalResult, goalsTable } from '../../../harness/goals.ts';
import { fixed, markdownTable, originText } from '../../../harness/report/markdown.ts';
import type { BenchOptions } from '../options.ts';
import type { Records } from '../records.ts';
import { titles } from '../systems/all.ts';
import { isShort, type Workload } from '../workloads.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly origin: Origin;
  readonly options: BenchOptions;
  readonly records: Records;
  readonly checks: readonly GoalResult[];
}

/** The whole report, ready to be pasted into a page. */
export function reportMarkdown(source: ReportSource): string {
  const { options, records, checks } = source;
  const shorts = options.workloads.filter(isShort);
  const traces = options.workloads.filter((workload) => !isShort(workload));
  const seeds = `Seeds ${options.seeds.join(', ')}; every figure is the median over them.`;
  const sections = [`${originText(source.origin)} ${seeds}`];
  if (traces.length > 0) {
    sections.push(
      goodputTable(traces, options.systems, records),
      detailTable(traces, options.systems, records),
    );
  }
  if (shorts.length > 0) sections.push(shortTable(shorts, options.systems, records));
  if (checks.length > 0) sections.push(`What must be reached:\n\n${goalsTable(checks)}`);
  if (records.lost.length > 0) sections.push(lostList(records));
  return sections.join('\n\n');
}

function goodputTable(workloads: readonly Workload[], systems: readonly string[], records: Records): string {
  const measured = systems.filter((system) => workloads.some(({ id }) => records.of(id, system).length > 0));
  const rows = workloads.map(({ id, title }) => [
    `${id}: ${title}`,
    ...measured.map((system) => {
      const text = percent(records.goodput(id, system));
      return system === 'ours' ? `**${text}**` : text;
    }),
  ]);
  const heading = 'Goodput: answered within the deadline / offered, %.';
  return `${heading}\n\n${markdownTable(['workload', ...measured.map((system) => titles[system] ?? system)], rows)}`;
}

type Figure = Parameters<Records['median']>[2];

/** A column of figures: medians over the seeds, with so many digits; shares as percentages. */
type Column = readonly [head: string, figure: Figure, digits: number | 'percent'];

const DETAIL_COLUMNS: readonly Column[] = [
  ['p50 ms', ({ summary }) => summary.p50Ms, 0],
  ['p99 ms', ({ summary }) => summary.p99Ms, 0],
  ['worker time wasted %', ({ summary }) => summary.wasted, 'percent'],
  ['median failure ms', ({ summary }) => summary.medianFailureMs, 0],
  ['NATS messages / call', ({ messagesPerCall }) => messagesPerCall, 1],
  ['ran twice', ({ summary }) => summary.ranTwice, 0],
];

const SHORT_COLUMNS: readonly Column[] = [
  ['calls/s', ({ perSecond }) => perSecond, 0],
  ['good %', ({ summary }) => summary.goodput, 'percent'],
  ['p50 ms', ({ summary }) => summary.p50Ms, 1],
  ['p99 ms', ({ summary }) => summary.p99Ms, 1],
  ['gateway µs', ({ processorUs }) => processorUs?.gateway, 0],
  ['broker µs', ({ processorUs }) => processorUs?.broker, 0],
  ['workers µs', ({ processorUs }) => processorUs?.worker, 0],
  ['NATS messages / call', ({ messagesPerCall }) => messagesPerCall, 2],
];

function detailTable(workloads: readonly Workload[], systems: readonly string[], records: Records): string {
  const rows = measuredRows(workloads, systems, records, ({ id }, system) => [
    id,
    titles[system] ?? system,
    fixed(records.ratio(id, system, 'alifo'), 3),
    ...cells(DETAIL_COLUMNS, records, id, system),
  ]);
  return markdownTable(['workload', 'system', '/ aLIFO', ...DETAIL_COLUMNS.map(([head]) => head)], rows);
}

function shortTable(workloads: readonly Workload[], systems: readonly string[], records: Records): string {
  const rows = measuredRows(workloads, systems, records, ({ id, title }, system) => [
    title,
    titles[system] ?? system,
    ...cells(SHORT_COLUMNS, records, id, system),
  ]);
  const heading = 'Short work. Processor time is microseconds per call.';
  return `${heading}\n\n${markdownTable(['workload', 'system', ...SHORT_COLUMNS.map(([head]) => head)], rows)}`;
}

/** A row for each workload and system that was measured. */
function measuredRows(
  workloads: readonly Workload[],
  systems: readonly string[],
  records: Records,
  row: (workload: Workload, system: string) => string[],
): string[][] {
  return workloads.flatMap((workload) =>
    systems
      .filter((system) => records.of(workload.id, system).length > 0)
      .map((system) => row(workload, system)),
  );
}

function cells(columns: readonly Column[], records: Records, workload: string, system: string): string[] {
  return columns.map(([, figure, digits]) => {
    const value = records.median(workload, system, figure);
    return digits === 'percent' ? percent(value) : fixed(value, digits);
  });
}

function lostList(records: Records): string {
  const lines = records.lost.map(({ workload, system, seed, reason }) => {
    return `- ${workload} seed ${seed} ${system}: ${reason.split('\n', 1)[0]}`;
  });
  return ['Lost runs; each was run again, up to five times:', '', ...lines].join('\n');
}

function percent(share: number | undefined): string {
  return fixed(share === undefined ? undefined : 100 * share, 1);
}
