import type { Origin } from '../../../harness/bench-program.ts';
import { type GoalResult, goalsTable } from '../../../harness/goals.ts';
import { fixed, markdownTable, originText } from '../../../harness/report/markdown.ts';
import { sum } from '../../../harness/statistics.ts';
import type { ScaleOptions } from '../options.ts';
import { figures, type Records } from '../records.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly origin: Origin;
  readonly options: Pick<ScaleOptions, 'dimensions' | 'rounds' | 'run'>;
  readonly records: Records;
  readonly goals: readonly GoalResult[];
}

const HEAD = [
  ...['gateway µs', '/ first', 'broker µs', 'idle gateway, % of a core', 'NATS messages'],
  ...['calls/s', 'p50 ms', 'gateway MiB', 'errors'],
];

/** The whole report, ready to be pasted into a page. */
export function reportMarkdown({ origin, options, records, goals }: ReportSource): string {
  const { connections, seconds, stateMs } = options.run;
  const how =
    `Medians of ${options.rounds} rounds of ${seconds} s with ${connections} calls in flight; each worker tells its ` +
    'state every ' +
    `${stateMs} ms. Processor time and messages are for each call, without what goes on while nobody calls.`;
  return [
    `${originText(origin)} ${how}`,
    ...(goals.length === 0 ? [] : [goalsTable(goals)]),
    ...Object.keys(options.dimensions).map((name) => dimensionTable(name, options, records)),
    ...records.lost.map(({ dimension, level, reason }) => `Lost: ${dimension} ${level}: ${reason}`),
  ].join('\n\n');
}

function dimensionTable(name: string, { dimensions }: ReportSource['options'], records: Records): string {
  const { title = name, levels = [] } = dimensions[name] ?? {};
  const rows = levels.flatMap((level) => {
    const runs = records.of(name, level);
    if (runs.length === 0) return [];
    const middle = (figure: (typeof figures)[keyof typeof figures]) => records.median(name, level, figure);
    const share = middle(figures.idleShare);
    const bytes = middle(figures.gatewayBytes);
    const errors = sum(runs.flatMap((run) => Object.values(run.figures.errors)));
    return [
      [
        level.toLocaleString('en'),
        fixed(middle(figures.gatewayUs), 0),
        fixed(records.growth(name, level, levels[0] ?? 0, figures.gatewayUs), 2),
        fixed(middle(figures.brokerUs), 0),
        fixed(share === undefined ? undefined : 100 * share, 1),
        fixed(middle(figures.messages), 2),
        fixed(middle(figures.perSecond), 0),
        fixed(middle(figures.p50Ms), 1),
        fixed(bytes === undefined ? undefined : bytes / 2 ** 20, 0),
        errors === 0 ? '0' : `**${errors}**`,
      ],
    ];
  });
  return markdownTable([title, ...HEAD], rows);
}
