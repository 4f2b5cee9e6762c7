import type { LedgerRun } from '../harness/ledger.ts';
import { answeredAfterMs, isResult, type SeenCall } from './calls.ts';
import type { Check } from './result.ts';

/** What is held against each other. */
export interface AuditInput {
  readonly calls: readonly SeenCall[];
  readonly runs: readonly LedgerRun[];
  /** Groups of the workers, by name. */
  readonly groups: ReadonlyMap<string, string>;
  readonly budgetMs: number;
  /** Calls that were sent. */
  readonly offered: number;
}

/** An answer may come this much after the budget. */
const ANSWER_SLACK_MS = 250;
/** A run may begin this much after its deadline: two processes looked at the clock. */
const BEGIN_SLACK_MS = 100;
const SHOWN = 5;

/**
 * Holds the ledgers against the answers, for what must be true of any run of ours: one answer each in time, what
 * was told about the start is true, and nothing ran twice or too late. One check, named after `who`.
 */
export function audit(who: string, input: AuditInput): Check {
  const faults = findFaults(input);
  const more = faults.length > SHOWN ? `, and ${faults.length - SHOWN} more` : '';
  return {
    says: `${who}: one answer each in time; no call that "did not start" ran; none ran twice or after its time`,
    ok: faults.length === 0,
    got:
      faults.length === 0
        ? `${input.calls.length} calls, ${input.runs.length} runs, no contradiction`
        : faults.slice(0, SHOWN).join('; ') + more,
  };
}

/** Every contradiction, in words. */
export function findFaults({ calls, runs, groups, budgetMs, offered }: AuditInput): string[] {
  const ran = new Set(runs.map(({ call }) => call));
  const seen = new Map(calls.map((call) => [call.n, call]));
  const faults: string[] = [];
  if (seen.size !== calls.length) faults.push(`${calls.length - seen.size} calls have two answers`);
  if (calls.length < offered) faults.push(`${offered - calls.length} calls have no answer`);
  for (const call of calls) {
    const { n, code, started } = call;
    if (started === 'no' && ran.has(n)) faults.push(`call ${n} ran, and was told ${code}, started: no`);
    if (isResult(call) && !ran.has(n)) faults.push(`call ${n} has a result, and did not run`);
    const afterMs = answeredAfterMs(call);
    if (afterMs > budgetMs + ANSWER_SLACK_MS)
      faults.push(`call ${n} was answered after ${Math.round(afterMs)} ms, ${code}`);
  }
  for (const { call, worker } of repeatedRuns(runs, groups))
    faults.push(`call ${call} ran again at ${worker}`);
  for (const { call, worker, beganAt } of runs) {
    const caller = seen.get(call);
    if (caller === undefined) continue;
    const lateMs = beganAt - (caller.dueAt + caller.lateMs + budgetMs);
    if (lateMs > BEGIN_SLACK_MS)
      faults.push(`call ${call} began at ${worker} ${Math.round(lateMs)} ms after its deadline`);
  }
  return faults;
}

/** Runs of the same call in the same group beyond the first. `groups` is by worker name. */
function repeatedRuns(runs: readonly LedgerRun[], groups: ReadonlyMap<string, string>): LedgerRun[] {
  const seen = new Set<string>();
  return runs.filter(({ call, worker }) => {
    const key = `${call} ${groups.get(worker) ?? ''}`;
    if (seen.has(key)) return true;
    seen.add(key);
    return false;
  });
}
