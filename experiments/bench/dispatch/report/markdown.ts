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

function detailTable(workloads: readonly Workload[], systems: readonly string[], records: Records): string {
  const rows = workloads.flatMap(({ id }) =>
    systems.flatMap((system) => {
      if (records.of(id, system).length === 0) return [];
      const figure = (pick: Parameters<Records['median']>[2]) => records.median(id, system, pick);
      return [
        [
          id,
          titles[system] ?? system,
          fixed(records.ratio(id, system, 'alifo'), 3),
          fixed(
            figure((run) => run.summary.p50Ms),
            0,
          ),
          fixed(
            figure((run) => run.summary.p99Ms),
            0,
          ),
          percent(figure((run) => run.summary.wasted)),
          fixed(
            figure((run) => run.summary.medianFailureMs),
            0,
          ),
          fixed(
            figure((run) => run.messagesPerCall),
            1,
          ),
          fixed(
            figure((run) => run.summary.ranTwice),
            0,
          ),
        ],
      ];
    }),
  );
  const head = [
    'workload',
    'system',
    '/ aLIFO',
    'p50 ms',
    'p99 ms',
    'worker time wasted %',
    'median failure ms',
    'NATS messages / call',
    'ran twice',
  ];
  return markdownTable(head, rows);
}

function shortTable(workloads: readonly Workload[], systems: readonly string[], records: Records): string {
  const rows = workloads.flatMap(({ id, title }) =>
    systems.flatMap((system) => {
      if (records.of(id, system).length === 0) return [];
      const figure = (pick: Parameters<Records['median']>[2]) => records.median(id, system, pick);
      return [
        [
          title,
          titles[system] ?? system,
          fixed(
            figure((run) => run.perSecond),
            0,
          ),
          percent(figure((run) => run.summary.goodput)),
          fixed(
            figure((run) => run.summary.p50Ms),
            1,
          ),
          fixed(
            figure((run) => run.summary.p99Ms),
            1,
          ),
          fixed(
            figure((run) => run.processorUs?.gateway),
            0,
          ),
          fixed(
            figure((run) => run.processorUs?.broker),
            0,
          ),
          fixed(
            figure((run) => run.processorUs?.worker),
            0,
          ),
          fixed(
            figure((run) => run.messagesPerCall),
            2,
          ),
        ],
      ];
    }),
  );
  const heading = 'Short work. Processor time is microseconds per call.';
  const head = [
    'workload',
    'system',
    'calls/s',
    'good %',
    'p50 ms',
    'p99 ms',
    'gateway µs',
    'broker µs',
    'workers µs',
    'NATS messages / call',
  ];
  return `${heading}\n\n${markdownTable(head, rows)}`;
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
