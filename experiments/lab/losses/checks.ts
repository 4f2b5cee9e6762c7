import type { LedgerRun } from '../../harness/ledger.ts';
import type { Check, Loss } from '../result.ts';

/** A call as its caller saw it. Times here and below are milliseconds of the shared clock. */
export interface LossCall {
  /** Its number, which joins it to the ledger. */
  readonly call: number;
  readonly sentAt: number;
  /** When its answer was there, or its connection was closed. */
  readonly endedAt: number;
  /** HTTP status; 0 = the connection was closed without an answer. */
  readonly status: number;
  readonly code: string;
  readonly started: 'no' | 'yes' | 'unknown' | undefined;
  /** Whether a result is the one of this call, and of no other. */
  readonly isOwn: boolean;
}

/** What one cell of the table left behind. */
export interface CellRun {
  readonly part: Loss['part'];
  readonly signal: Loss['signal'];
  readonly phase: Loss['phase'];
  readonly budgetMs: number;
  /** The call that was in its phase when the signal came. */
  readonly call: LossCall;
  /** The one after it was over; only where every part is there again. */
  readonly next: LossCall | undefined;
  /** Calls that were needed to get there. */
  readonly others: readonly LossCall[];
  /** Of all these calls, read when nothing ran any more. */
  readonly runs: readonly LedgerRun[];
  /** When what was stopped went on. */
  readonly continuedAt: number | undefined;
}

/** A cell that could not be run, and why. */
export interface FailedCell extends Pick<Loss, 'part' | 'signal' | 'phase'> {
  readonly reason: string;
}

/** How long after its deadline an answer may come, and a run may begin: what timers and the machine need. */
const ANSWER_GRACE_MS = 250;
const BEGIN_GRACE_MS = 100;

/** What becomes of a cell in the table. */
export function lossOf(cell: CellRun): Loss {
  const { part, signal, phase, budgetMs, call, runs } = cell;
  const own = runs.filter((run) => run.call === call.call);
  const isEnded = own.some(({ end }) => end === 'ended');
  return {
    part,
    signal,
    phase,
    status: call.status,
    code: call.code,
    ...(call.started === undefined ? {} : { started: call.started }),
    tookShare: Math.round(((call.endedAt - call.sentAt) / budgetMs) * 100) / 100,
    work: own.length === 0 ? 'never began' : isEnded ? 'ended' : 'began',
  };
}

/** Judges all cells. Each check tells the cells that break it. */
export function checkCells(cells: readonly CellRun[], failed: readonly FailedCell[]): Check[] {
  const check = (says: string, complaints: (cell: CellRun) => string[]): Check => {
    const found = cells.flatMap((cell) => complaints(cell).map((what) => `${cellName(cell)}: ${what}`));
    return { says, ok: found.length === 0, got: found.length === 0 ? all(cells.length) : found.join('; ') };
  };
  return [
    {
      says: 'every cell was run, with its call in the phase that it is about',
      ok: failed.length === 0,
      got:
        failed.length === 0
          ? all(cells.length)
          : failed.map((cell) => `${cellName(cell)}: ${cell.reason}`).join('; '),
    },
    check('no call whose caller was told `started: no` was begun', (cell) => complain(cell, toldNoAndRan)),
    check('no call was begun twice', (cell) => complain(cell, beganTwice)),
    check('each result has its own run, which came to its end, and is the one of its call', (cell) =>
      complain(cell, resultWithoutRun),
    ),
    check(
      `each call is answered, or its connection closed, within its budget and ${ANSWER_GRACE_MS} ms (a gateway that was stopped: within ${ANSWER_GRACE_MS} ms of going on)`,
      (cell) => complain(cell, answeredLate),
    ),
    check(`no run begins more than ${BEGIN_GRACE_MS} ms after the deadline of its call`, (cell) =>
      complain(cell, begunLate),
    ),
    check('SIGTERM of a worker or a gateway loses nothing: a result, or `started: no`', lostByRequest),
    check('once every part is there again the next call is answered with a result', nextUnanswered),
  ];
}

/** `broker/SIGKILL/parked`, as it is written on the command line. */
export function cellName({ part, signal, phase }: Pick<Loss, 'part' | 'signal' | 'phase'>): string {
  return `${part}/${signal}/${phase}`;
}

type Rule = (call: LossCall, runs: readonly LedgerRun[], cell: CellRun) => string | undefined;

/** Applies a rule to every call of a cell, those that only helped included. */
function complain(cell: CellRun, rule: Rule): string[] {
  const calls = [...cell.others, cell.call, ...(cell.next === undefined ? [] : [cell.next])];
  return calls.flatMap((call) => {
    const what = rule(
      call,
      cell.runs.filter((run) => run.call === call.call),
      cell,
    );
    return what === undefined ? [] : [`call ${call.call} ${what}`];
  });
}

function toldNoAndRan(call: LossCall, runs: readonly LedgerRun[]): string | undefined {
  return call.started === 'no' && runs.length > 0 ? `was told ${told(call)} and ran` : undefined;
}

function beganTwice(_call: LossCall, runs: readonly LedgerRun[]): string | undefined {
  return runs.length > 1 ? `was begun ${runs.length} times` : undefined;
}

function resultWithoutRun(call: LossCall, runs: readonly LedgerRun[]): string | undefined {
  if (call.status !== 200) return undefined;
  if (!call.isOwn) return 'got the result of another call';
  const hasRun = runs.some(({ end, endedAt }) => end === 'ended' && endedAt <= call.endedAt);
  return hasRun ? undefined : 'got a result without a run that ended before it';
}

function answeredLate(call: LossCall, _runs: readonly LedgerRun[], cell: CellRun): string | undefined {
  const deadlineAt = call.sentAt + cell.budgetMs;
  const dueAt =
    cell.part === 'gateway' && cell.continuedAt !== undefined
      ? Math.max(deadlineAt, cell.continuedAt)
      : deadlineAt;
  const lateMs = Math.round(call.endedAt - dueAt);
  return lateMs > ANSWER_GRACE_MS ? `was told ${told(call)} ${lateMs} ms late` : undefined;
}

function begunLate(call: LossCall, runs: readonly LedgerRun[], { budgetMs }: CellRun): string | undefined {
  const deadlineAt = call.sentAt + budgetMs;
  const late = runs.find(({ beganAt }) => beganAt > deadlineAt + BEGIN_GRACE_MS);
  return late === undefined ? undefined : `was begun ${Math.round(late.beganAt - deadlineAt)} ms late`;
}

function lostByRequest({ part, signal, call, others }: CellRun): string[] {
  if (signal !== 'SIGTERM' || part === 'broker') return [];
  return [...others, call]
    .filter(({ status, started }) => status !== 200 && started !== 'no')
    .map((lost) => `call ${lost.call} was told ${told(lost)}`);
}

function nextUnanswered({ next }: CellRun): string[] {
  return next === undefined || next.status === 200 ? [] : [`call ${next.call} was told ${told(next)}`];
}

function told({ status, code, started }: LossCall): string {
  return [status, code, ...(started === undefined ? [] : [`started: ${started}`])].join(' ');
}

function all(cells: number): string {
  return `so in ${cells === 1 ? 'the one cell' : `all ${cells} cells`}`;
}
