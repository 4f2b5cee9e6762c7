import type { Environment } from '../../../cli/command.ts';
import { Turns } from '../../harness/turns.ts';
import { type LabResult, LOSS_PARTS, LOSS_PHASES, LOSS_SIGNALS } from '../result.ts';
import { type CellKey, playCell } from './cell.ts';
import { type CellRun, cellName, checkCells, type FailedCell, lossOf } from './checks.ts';

/** The loss table as it stands in a result. */
export type LossTable = NonNullable<LabResult['losses']>;

/** What to run. */
export interface LossesOptions {
  /** Those cells alone whose names begin with one of these, e.g. `broker/SIGKILL`; all by default. */
  readonly only?: readonly string[];
  readonly signal: AbortSignal;
  /** Where programs are found: PATH, HOME and NATS_SERVER_BIN of it are used. */
  readonly env: Environment;
  /** Called with each cell that is over, how many are, and about how long the rest takes. */
  readonly onCell?: (name: string, progress: { done: number; all: number; leftMs: number }) => void;
}

/**
 * Budget of every call. Not sped up: a gateway needs a second to find that a worker is gone, which no setting
 * changes.
 */
const LOSSES_BUDGET_MS = 2000;
/** The cells mostly wait; more at a time would disturb each other. */
const AT_A_TIME = 3;
/** About how long a cell takes. */
const CELL_MS = 8000;

/** All cells, in the order of the table. */
export const LOSS_CELLS: readonly CellKey[] = LOSS_PARTS.flatMap((part) =>
  LOSS_SIGNALS.flatMap((signal) => LOSS_PHASES.map((phase) => ({ part, signal, phase }))),
);

/** What the lab is told to run. */
export interface LabNames {
  readonly scenarios: readonly string[];
  /** Cells of the loss table, none for all of them; undefined when it is not asked for. */
  readonly cells: readonly string[] | undefined;
}

/** Reads `[scenario]... [losses [cell]...]`. */
export function readLabNames(names: readonly string[]): LabNames {
  const at = names.indexOf('losses');
  return at === -1
    ? { scenarios: names, cells: undefined }
    : { scenarios: names.slice(0, at), cells: names.slice(at + 1) };
}

/** About how long the cells with these names take. */
export function lossesEstimateMs(only: readonly string[]): number {
  return Math.ceil(lossCells(only).length / AT_A_TIME) * CELL_MS;
}

/** The cells whose names begin with one of these; throws one line for a name that none has. */
export function lossCells(only: readonly string[]): CellKey[] {
  const spelled = (text: string): string => text.toLowerCase().replaceAll(/[\s_-]+/g, '-');
  const begins = (cell: CellKey, name: string): boolean =>
    `${spelled(cellName(cell))}/`.startsWith(`${spelled(name)}/`);
  for (const name of only) {
    if (!LOSS_CELLS.some((cell) => begins(cell, name))) {
      throw new Error(
        `no cell of the loss table is called ${JSON.stringify(name)}, must be <part>, <part>/<signal> or <part>/<signal>/<phase>: one of ${LOSS_PARTS.join(', ')}; ${LOSS_SIGNALS.join(', ')}; ${LOSS_PHASES.join(', ')}`,
      );
    }
  }
  return LOSS_CELLS.filter((cell) => only.length === 0 || only.some((name) => begins(cell, name)));
}

/**
 * Runs the loss table: for each part, signal and phase one call on real processes. Never rejects for what a cell
 * does; that is a check that fails. Rejects when `signal` is aborted.
 */
export async function runLosses({ only = [], signal, env, onCell }: LossesOptions): Promise<LossTable> {
  const places = lossCells(only);
  const runs = new Map<CellKey, CellRun>();
  const failed: FailedCell[] = [];
  const turns = new Turns(AT_A_TIME);
  let done = 0;
  const play = async (place: CellKey): Promise<void> => {
    try {
      signal.throwIfAborted();
      runs.set(place, await playCell(place, { budgetMs: LOSSES_BUDGET_MS, signal, env }));
    } catch (error) {
      signal.throwIfAborted();
      failed.push({ ...place, reason: error instanceof Error ? error.message : String(error) });
    }
    done++;
    const leftMs = ((places.length - done) / AT_A_TIME) * CELL_MS;
    onCell?.(cellName(place), { done, all: places.length, leftMs });
  };
  // All of them, so that nothing is left running when this is over.
  await Promise.allSettled(places.map((place) => turns.take(() => play(place))));
  signal.throwIfAborted();
  const cells = places.flatMap((place) => runs.get(place) ?? []);
  return {
    budgetMs: LOSSES_BUDGET_MS,
    cells: cells.map(lossOf),
    checks: checkCells(cells, failed),
  };
}
