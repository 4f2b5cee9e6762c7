import type { Machine } from '../../../harness/machine.ts';
import { markdownTable } from '../../../harness/report/markdown.ts';
import type { CheckResult } from '../checks.ts';
import type { BenchOptions } from '../options.ts';
import type { Records } from '../records.ts';
import { titles } from '../systems/all.ts';
import { isShort, type Workload } from '../workloads.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly command: string;
  readonly machine: Machine & {
    readonly commit: string;
    readonly date: string;
    readonly versions: Readonly<Record<string, string>>;
  };
  readonly options: BenchOptions;
  readonly records: Records;
  readonly checks: readonly CheckResult[];
}

/** The whole report, ready to be pasted into a page. */
export function reportMarkdown(source: ReportSource): string {
  const { options, records, checks } = source;
  const shorts = options.workloads.filter(isShort);
  const traces = options.workloads.filter((workload) => !isShort(workload));
  const sections = [origin(source)];
  if (traces.length > 0) {
    sections.push(
      goodputTable(traces, options.systems, records),
      detailTable(traces, options.systems, records),
    );
  }
  if (shorts.length > 0) sections.push(shortTable(shorts, options.systems, records));
  if (checks.length > 0) sections.push(`What must be reached:\n\n${checksTable(checks)}`);
  if (records.lost.length > 0) sections.push(lostList(records));
  return sections.join('\n\n');
}

/** Pass or miss for each check. */
export function checksTable(checks: readonly CheckResult[]): string {
  const rows = checks.map(({ what, got, needed, passed }) => [
    what,
    got.toFixed(3),
    needed,
    passed ? 'pass' : '**miss**',
  ]);
  return markdownTable(['check', 'got', 'needed', ''], rows);
}

function origin({ command, machine, options }: ReportSource): string {
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  return [
    '```sh',
    command,
    '```',
    '',
    `${machine.date}, commit ${machine.commit}; ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ` +
      `${machine.system}; ${versions.join(', ')}. Seeds ${options.seeds.join(', ')}; every figure is the median over them.`,
  ].join('\n');
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

function fixed(value: number | undefined, digits: number): string {
  return value === undefined ? '–' : value.toFixed(digits);
}
