import type { Origin } from '../../../harness/bench-program.ts';
import { type GoalResult, goalsTable } from '../../../harness/goals.ts';
import { fixed, markdownTable, originText } from '../../../harness/report/markdown.ts';
import { sum } from '../../../harness/statistics.ts';
import type { Extras } from '../extras/extras.ts';
import type { ThroughputOptions } from '../options.ts';
import { type ByRole, type Cell, errorsOf, type Figure, figures, type Records } from '../records.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly origin: Origin;
  readonly options: Pick<ThroughputOptions, 'systems' | 'connections' | 'bodies' | 'rounds' | 'seconds'>;
  readonly records: Records;
  readonly goals: readonly GoalResult[];
  readonly extras: Extras | undefined;
}

/** The whole report, ready to be pasted into a page. */
export function reportMarkdown({ origin, options, records, goals, extras }: ReportSource): string {
  const { rounds, seconds, bodies, connections } = options;
  const foreign = records.runs.flatMap(({ foreignShare }) => foreignShare ?? []);
  const others =
    foreign.length === 0
      ? ''
      : ` Others used at most ${(100 * Math.max(...foreign)).toFixed(0)} % of the machine.`;
  const how = `Medians of ${rounds} rounds of ${seconds} s (least–most).${others}`;
  const cells = bodies.flatMap((bodyBytes) => connections.map((n) => ({ connections: n, bodyBytes })));
  return [
    `${originText(origin)} ${how}`,
    ...(goals.length === 0 ? [] : [goalsTable(goals)]),
    ...cells.map((cell) => cellTable(cell, options, records)),
    memoryTable(options, records),
    ...(extras === undefined ? [] : [heldTable(extras), startTable(extras)]),
    ...[...records.missing].map(([system, reason]) => `${system} is left out: ${reason}.`),
  ].join('\n\n');
}

/** A column of figures, with so many digits. */
type Column = readonly [head: string, figure: Figure, digits: number];

const COLUMNS: readonly Column[] = [
  ['gateway µs', figures.gateway, 0],
  ['worker µs', figures.worker, 0],
  ['broker µs', figures.broker, 0],
  ['generator µs', figures.generator, 0],
  ['calls/s', figures.perSecond, 0],
  ['p50 ms', figures.p50Ms, 2],
  ['p99 ms', figures.p99Ms, 2],
  ['NATS messages', figures.messages, 2],
];

function cellTable(cell: Cell, { systems }: ReportSource['options'], records: Records): string {
  const measured = Object.entries(systems).filter(([name]) => records.of(cell, name).length > 0);
  const rows = measured.map(([name, { title }]) => {
    const errors = sum(records.of(cell, name).map(errorsOf));
    return [
      title,
      ...COLUMNS.map(([, figure, digits]) => {
        const spread = records.spread(cell, name, figure);
        if (spread === undefined) return '–';
        const [middle, min, max] = [spread.median, spread.min, spread.max].map((v) => fixed(v, digits));
        return min === max ? `${middle}` : `${middle} (${min}–${max})`;
      }),
      errors === 0 ? '0' : `**${errors}**`,
    ];
  });
  const heading = `${cell.connections} connections, bodies of ${cell.bodyBytes} bytes; processor time of each process per call.`;
  return `${heading}\n\n${markdownTable(['system', ...COLUMNS.map(([head]) => head), 'errors'], rows)}`;
}

const ROLES = ['gateway', 'worker', 'broker'] as const;

function memoryTable({ systems }: ReportSource['options'], records: Records): string {
  const mebibytes = (bytes: ByRole, role: (typeof ROLES)[number]) =>
    fixed(bytes[role] === undefined ? undefined : bytes[role] / 2 ** 20, 0);
  const rows = Object.entries(systems).flatMap(([name, { title }]) => {
    const memory = records.memory.get(name);
    if (memory === undefined) return [];
    const { idle, after } = memory;
    return [[title, ...ROLES.map((role) => `${mebibytes(idle, role)} → ${mebibytes(after, role)}`)]];
  });
  return `Memory in MiB (RSS), before the first call and after the last.\n\n${markdownTable(['system', ...ROLES], rows)}`;
}

function heldTable({ held }: Extras): string {
  const kibibytes = (bytes: number | undefined) => fixed(bytes === undefined ? undefined : bytes / 1024, 1);
  const rows = [
    ['in the floor', kibibytes(held.floor.gateway), '–'],
    ['running', kibibytes(held.running.gateway), kibibytes(held.running.worker)],
    ['parked', kibibytes(held.parked.gateway), '–'],
  ];
  const heading =
    'Memory in KiB (RSS) of one more call that is held, with its connection: 5,000 calls less 500.';
  return `${heading}\n\n${markdownTable(['a call', 'gateway', 'worker'], rows)}`;
}

function startTable({ starts }: Extras): string {
  const rows = Object.entries(starts).map(([command, { wallMs, processorMs }]) => [
    `\`${command}\``,
    fixed(wallMs, 0),
    fixed(processorMs, 0),
  ]);
  const heading = 'From the start until it serves, in ms; `dev` starts a broker and two workers too.';
  return `${heading}\n\n${markdownTable(['command', 'time', 'processor time'], rows)}`;
}
