import type { Origin } from '../../../harness/bench-program.ts';
import { type GoalResult, goalsTable } from '../../../harness/goals.ts';
import { fixed, markdownTable, originText } from '../../../harness/report/markdown.ts';
import type { OverloadOptions } from '../options.ts';
import type { OverloadRecord, Records } from '../records.ts';

/** What a report is made of. */
export interface ReportSource {
  readonly origin: Origin;
  readonly options: Omit<OverloadOptions, 'quick' | 'out'>;
  readonly records: Records;
  readonly goals: readonly GoalResult[];
}

/** From here on a generator that is late has measured itself. */
const LATE_MS = 50;
const UNSENT = 0.01;

const HEAD = [
  ...['handler', 'system', 'offered', 'sent/s', 'good/s', '/ peak', 'good p50, p99 ms'],
  ...[
    'refusal p50, p99 ms',
    'gave up %',
    'gateway µs/call',
    'memory MiB',
    'normal after s',
    'generator late p99 ms',
  ],
];

/** The whole report, ready to be pasted into a page. */
export function reportMarkdown({ origin, options, records, goals }: ReportSource): string {
  const { slots, deadlineMs, seconds, generators } = options;
  const how =
    `One worker process with ${slots} slots, deadline ${deadlineMs} ms, ${seconds} s of Poisson arrivals from ` +
    `${generators} processes on the same machine. Offered is a multiple of the first system's peak; goodput is ` +
    "divided by the system's own peak, or by what was offered where that is less.";
  const rows = options.handlers.flatMap((handlerMs) =>
    options.times.flatMap((times) =>
      Object.keys(options.systems).flatMap((system) => {
        const run = records.of(handlerMs, times, system);
        return run === undefined ? [] : [rowOf(run, records)];
      }),
    ),
  );
  const peaks = records.peaks.map(({ handlerMs, system, perSecond }) => [
    `${handlerMs} ms`,
    system,
    fixed(perSecond, 0),
  ]);
  return [
    `${originText(origin)} ${how}`,
    ...(goals.length === 0 ? [] : [goalsTable(goals)]),
    markdownTable(['handler', 'system', 'peak, calls/s'], peaks),
    markdownTable(HEAD, rows),
    ...[...records.missing].map(([system, reason]) => `${system} is left out: ${reason}.`),
  ].join('\n\n');
}

function rowOf(run: OverloadRecord, records: Records): string[] {
  const { handlerMs, system, times, overload, memory, gatewayUs, recoveredAfterS } = run;
  const { sentPerSecond, codes, lateP99Ms = 0, unsent } = overload;
  const share = records.share(handlerMs, times, system);
  const all = Object.values(codes).reduce((total, count) => total + count, 0);
  const isLate = lateP99Ms > LATE_MS || unsent > UNSENT;
  const lateness = `${fixed(lateP99Ms, 0)}${unsent > 0 ? `, ${fixed(100 * unsent, 1)} % not sent` : ''}`;
  return [
    `${handlerMs} ms`,
    system === 'ours' ? '**ours**' : system,
    `${times} ×`,
    fixed(sentPerSecond, 0),
    fixed(overload.goodPerSecond, 0),
    fixed(share, 2),
    `${fixed(overload.goodP50Ms, 0)}, ${fixed(overload.goodP99Ms, 0)}`,
    `${fixed(overload.refusedP50Ms, 0)}, ${fixed(overload.refusedP99Ms, 0)}`,
    fixed((100 * (codes.gave_up ?? 0)) / Math.max(1, all), 1),
    fixed(gatewayUs, 0),
    `${fixed(memory.before / 2 ** 20, 0)} → ${fixed(memory.most / 2 ** 20, 0)}`,
    recoveredAfterS === undefined ? '**not**' : fixed(recoveredAfterS, 2),
    isLate ? `**${lateness}**` : lateness,
  ];
}
