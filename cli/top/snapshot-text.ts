import { tableLines } from '../../lib/text-table.ts';
import type { FunctionSnapshot, Rates, Snapshot, WorkerSnapshot } from '../../observe/snapshot.ts';

const SILENT_AFTER_MS = 1500;
const COLUMNS = [
  'FUNCTION',
  'GROUP',
  'SLOTS',
  'FREE',
  'RUNNING',
  'BUFFERED',
  'PARKED',
  'DONE/S',
  'ERRORS/S',
  'BUSY/S',
  'EXPIRED/S',
  'RUN MS',
] as const;
const TEXT_COLUMNS = 2;

/** A snapshot for people: a line that sums up, and a table with a line for each function, worker and waiting gateway. */
export function snapshotLines(snapshot: Snapshot): string[] {
  const { functions } = snapshot;
  if (functions.length === 0) return [headline(snapshot), 'no worker seen yet'];
  return [headline(snapshot), '', ...tableLines([COLUMNS, ...functions.flatMap(rowsOf)], isText)];
}

function headline({ at, isConnected, functions }: Snapshot): string {
  const workers = new Set(functions.flatMap((fn) => fn.workers.map(({ worker }) => worker))).size;
  const sum = (of: 'slots' | 'running' | 'parked') => functions.reduce((total, fn) => total + fn[of], 0);
  const parts = [
    at.slice(11, 19),
    counted(functions.length, 'function'),
    counted(workers, 'worker'),
    `${sum('running')} of ${counted(sum('slots'), 'slot')} running`,
    `${sum('parked')} parked`,
  ];
  return [...(isConnected ? [] : ['NO CONNECTION TO NATS']), ...parts].join('  ');
}

function rowsOf(view: FunctionSnapshot): string[][] {
  const { workers } = view;
  const [only] = workers;
  const own = row(view.function, view.group, view, String(view.parked), meanRunMs(workers), '');
  // The line of a single healthy worker would repeat that of its function.
  const isAlone = workers.length === 1 && only !== undefined && noteOf(only) === '';
  return [
    own,
    ...(isAlone ? [] : workers.map((one) => row(`  ${one.worker}`, '', one, '', one.serviceMs, noteOf(one)))),
    ...view.gateways.map(({ gateway, parked }) => gatewayRow(`  ${gateway}`, parked)),
  ];
}

function row(
  name: string,
  group: string,
  counts: Pick<WorkerSnapshot, 'slots' | 'free' | 'running' | 'buffered' | 'perSecond'>,
  parked: string,
  runMs: number,
  note: string,
): string[] {
  const { slots, free, running, buffered, perSecond } = counts;
  const whole = [slots, free, running, buffered].map(String);
  return [name, group, ...whole, parked, ...ratesText(perSecond), runMs === 0 ? '-' : brief(runMs), note];
}

function gatewayRow(name: string, parked: number): string[] {
  return [name, '', '', '', '', '', String(parked), '', '', '', '', '', ''];
}

function ratesText(rates: Rates | null): string[] {
  if (rates === null) return ['-', '-', '-', '-'];
  return [rates.done, rates.errors, rates.busy, rates.expired].map(brief);
}

function noteOf({ silentMs, isDraining }: WorkerSnapshot): string {
  if (silentMs > SILENT_AFTER_MS) return `silent for ${Math.round(silentMs / 1000)} s`;
  return isDraining ? 'draining' : '';
}

/** Weighted by slots: what a call can expect. */
function meanRunMs(workers: readonly WorkerSnapshot[]): number {
  const known = workers.filter(({ serviceMs }) => serviceMs > 0);
  const slots = known.reduce((sum, worker) => sum + worker.slots, 0);
  return slots === 0 ? 0 : known.reduce((sum, worker) => sum + worker.serviceMs * worker.slots, 0) / slots;
}

/** Names and groups, and the note behind the last column, which has no head. */
function isText(column: number): boolean {
  return column < TEXT_COLUMNS || column >= COLUMNS.length;
}

function brief(value: number): string {
  return value === 0 || value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
