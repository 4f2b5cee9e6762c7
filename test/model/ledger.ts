import type { CallHandle, CallOutcome } from '../../gateway/dispatch/contract.ts';
import { CallError } from '../../protocol/call-error.ts';

/** One begin of a call at a worker. Times are those of the world, in milliseconds. */
export interface Run {
  readonly worker: string;
  readonly group: string;
  readonly beginAt: number;
  endAt?: number;
}

export interface CallRecord {
  readonly id: string;
  /** `plain` for a plain requester's call. */
  readonly gateway: string;
  readonly deadlineAt: number;
  readonly runs: Run[];
  readonly outcomes: CallOutcome[];
  /** Groups whose worker got a plain requester's call, and how many replies came of it. */
  readonly replies: Map<string, number>;
  /** Its caller left, or its gateway ended it: nobody is to get it any more. */
  withdrawnAt?: number;
  handle?: CallHandle;
}

/** An outcome comes at the latest this long after the deadline: two steps of the sweep and a timer. */
const SWEEP_MS = 30;

/** Hosts count from other starts: what is the same moment differs in the last bits. */
const CLOCK_ERROR_MS = 0.001;

/** What truly happened, kept outside the system, and the judge of it. */
export class Ledger {
  readonly calls = new Map<string, CallRecord>();
  /** Broken promises, in words. */
  readonly violations: string[] = [];
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  open(id: string, gateway: string, budgetMs: number): CallRecord {
    const deadlineAt = this.#now() + budgetMs;
    const call: CallRecord = { id, gateway, deadlineAt, runs: [], outcomes: [], replies: new Map() };
    this.calls.set(id, call);
    return call;
  }

  violated(what: string): void {
    this.violations.push(`at ${this.#now().toFixed(2)}: ${what}`);
  }

  /** `allowedMs` is how late it may begin. */
  begin(id: string, worker: string, group: string, allowedMs: number): Run {
    const run: Run = { worker, group, beginAt: this.#now() };
    const call = this.calls.get(id);
    if (call === undefined) {
      this.violated(`${worker} runs a call that nobody made: ${id}`);
      return run;
    }
    if (call.runs.some((other) => other.group === group)) {
      this.violated(`call ${id} runs a second time in group ${group}, on ${worker}`);
    }
    const lateMs = run.beginAt - call.deadlineAt;
    if (lateMs > allowedMs) {
      this.violated(`call ${id} begins ${lateMs} ms after its deadline on ${worker}, allowed ${allowedMs}`);
    }
    call.runs.push(run);
    this.#checkNotStarted(call);
    return run;
  }

  settle(call: CallRecord, outcome: CallOutcome): void {
    call.outcomes.push(outcome);
    if (call.outcomes.length > 1) this.violated(`call ${call.id} has ${call.outcomes.length} outcomes`);
    const lateMs = this.#now() - call.deadlineAt;
    if (lateMs > SWEEP_MS) this.violated(`call ${call.id} ended ${lateMs} ms after its deadline`);
    if (!(outcome instanceof CallError)) {
      const text = new TextDecoder().decode(outcome.body);
      if (text !== call.id) this.violated(`call ${call.id} got the answer of ${text}`);
      if (call.runs.length === 0) this.violated(`call ${call.id} was answered and never ran`);
    }
    this.#checkNotStarted(call);
  }

  /** A gateway publishes a call to somebody. */
  sent(id: string, subject: string): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    if (call.withdrawnAt !== undefined) this.violated(`call ${id} was sent to ${subject} after it was ended`);
    const lateMs = this.#now() - call.deadlineAt;
    if (lateMs > CLOCK_ERROR_MS)
      this.violated(`call ${id} was sent to ${subject} ${lateMs} ms after its deadline`);
  }

  /** A worker of the group got a plain requester's call. */
  reached(id: string, group: string): void {
    const call = this.calls.get(id);
    if (call?.gateway === 'plain') call.replies.set(group, call.replies.get(group) ?? 0);
  }

  replied(id: string, group: string): void {
    const call = this.calls.get(id);
    if (call === undefined) return;
    const count = (call.replies.get(group) ?? 0) + 1;
    call.replies.set(group, count);
    if (count > 1) this.violated(`the plain call ${id} got ${count} replies of group ${group}`);
  }

  /** What must hold where no process and no connection was harmed: nothing is lost, whoever left. */
  checkNothingLost(): void {
    for (const { id, replies, outcomes } of this.calls.values()) {
      for (const [group, count] of replies) {
        if (count === 0) this.violated(`the plain call ${id} got no reply of group ${group}`);
      }
      const [outcome] = outcomes;
      if (outcome instanceof CallError && outcome.code === 'worker_lost')
        this.violated(`call ${id} was lost`);
    }
  }

  /** What must have happened by now. */
  checkOverdue(): void {
    const now = this.#now();
    for (const { id, gateway, deadlineAt, outcomes } of this.calls.values()) {
      if (gateway !== 'plain' && outcomes.length === 0 && now > deadlineAt + SWEEP_MS)
        this.violated(`call ${id} has no outcome ${now - deadlineAt} ms after its deadline`);
    }
  }

  #checkNotStarted({ id, outcomes, runs }: CallRecord): void {
    const [outcome] = outcomes;
    if (!(outcome instanceof CallError) || outcome.started !== 'no' || runs.length === 0) return;
    this.violated(`call ${id} ended with ${outcome.code}, started: no, but ran on ${runs[0]?.worker}`);
  }
}
