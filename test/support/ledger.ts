import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import type { HttpAnswer, HttpClient } from './http.ts';
import { until } from './until.ts';

/**
 * The ledger is kept outside the system: callers write what they asked and were answered, handlers
 * (`handlers/_ledger.mjs`) what began and ended. All processes of the machine share its clock.
 */
const at = z.number();
const pid = z.int();
const asked = z.object({ kind: z.literal('asked'), id: z.string(), at, deadlineAt: z.number() });
const answered = z.object({
  kind: z.literal('answered'),
  id: z.string(),
  at,
  /** 0 = the connection ended without an answer. */
  status: z.int(),
  code: z.string().optional(),
  started: z.enum(['no', 'yes', 'unknown']).optional(),
  /** The call that the body of a 200 names. */
  bodyId: z.string().optional(),
});
const began = z.object({ kind: z.literal('began'), id: z.string(), at, group: z.string(), pid });
const ended = began.extend({ kind: z.literal('ended'), how: z.string().optional() });
const up = z.object({ kind: z.literal('up'), at, group: z.string(), pid, ppid: pid });
const record = z.discriminatedUnion('kind', [asked, answered, began, ended, up]);

export type LedgerRecord = z.infer<typeof record>;
/** A record of one call. */
export type CallRecord = Exclude<LedgerRecord, { kind: 'up' }>;
export type Answered = z.infer<typeof answered>;
export type Began = z.infer<typeof began>;
export type Ended = z.infer<typeof ended>;

/** Milliseconds of the clock that all processes of this machine share; it does not step. */
export function machineNow(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}

/** What the checker needs to know besides the records. */
export interface JudgeOptions {
  /** Groups that are owed every call. Default: `workers` alone. */
  groups?: readonly string[];
  /** Processes that a test killed: what they began need not have ended. */
  killed?: readonly number[];
  /** How long after its deadline an answer may come, the caller's own lateness included. Default 1000. */
  answerGraceMs?: number;
}

/** How long after its deadline a run may begin: timers and the trip between processes. */
const BEGIN_GRACE_MS = 100;

/** What is wrong with a ledger, one line each; empty when all rules hold. */
export function judge(records: readonly LedgerRecord[], options: JudgeOptions = {}): string[] {
  const { groups = ['workers'], killed = [], answerGraceMs = 1000 } = options;
  const all = {
    asked: records.filter((r) => r.kind === 'asked'),
    answered: groupBy(
      records.filter((r) => r.kind === 'answered'),
      ({ id }) => id,
    ),
    began: groupBy(
      records.filter((r) => r.kind === 'began'),
      ({ id }) => id,
    ),
    ended: new Set(records.filter((r) => r.kind === 'ended').map((r) => `${r.id} ${r.pid}`)),
  };
  const wrong: string[] = [];
  for (const call of all.asked) {
    const answers = all.answered.get(call.id) ?? [];
    const runs = all.began.get(call.id) ?? [];
    if (answers.length !== 1) wrong.push(`${call.id} got ${answers.length} answers`);
    for (const answer of answers) wrong.push(...judgeAnswer(answer, call.deadlineAt + answerGraceMs, runs));
    for (const run of runs) {
      const lateMs = run.at - call.deadlineAt;
      if (lateMs > BEGIN_GRACE_MS) wrong.push(`${call.id} began ${lateMs.toFixed(0)} ms after its deadline`);
      if (!groups.includes(run.group)) wrong.push(`${call.id} ran in the group ${run.group}`);
      if (!all.ended.has(`${run.id} ${run.pid}`) && !killed.includes(run.pid))
        wrong.push(`${call.id} began in ${run.pid} and never ended`);
    }
    for (const [group, own] of groupBy(runs, (run) => run.group))
      if (own.length > 1) wrong.push(`${call.id} ran ${own.length} times in the group ${group}`);
  }
  const known = new Set(all.asked.map(({ id }) => id));
  for (const id of all.began.keys()) if (!known.has(id)) wrong.push(`${id} ran and nobody asked for it`);
  return wrong;
}

function judgeAnswer(answer: Answered, latestAt: number, runs: readonly Began[]): string[] {
  const { id, status, code, started, bodyId } = answer;
  const wrong: string[] = [];
  if (answer.at > latestAt) wrong.push(`${id} was answered ${(answer.at - latestAt).toFixed(0)} ms too late`);
  if (status === 0 && started !== 'no') wrong.push(`${id} lost its connection: ${code}`);
  if (status === 200 && runs.length === 0) wrong.push(`${id} was answered 200 and never ran`);
  if (status === 200 && bodyId !== id) wrong.push(`${id} got the body of ${bodyId}`);
  if (started === 'no' && runs.length > 0) wrong.push(`${id} was answered ${status} started: no, and ran`);
  return wrong;
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** How one call is asked for. */
export interface AskOptions {
  /** How long the handler works; WORK_MS of the worker by default. */
  ms?: number;
  budgetMs?: number;
  signal?: AbortSignal;
}

/** One test's ledger, in a file that is removed with the test. */
export class Ledger {
  readonly file: string;
  #asked = 0;

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'ledger-'));
    this.file = join(folder, 'ledger.jsonl');
    writeFileSync(this.file, '');
    t.after(() => rmSync(folder, { recursive: true, force: true }));
  }

  /** What a worker needs in its environment to write this ledger. */
  env(group = 'workers'): Record<string, string> {
    return { LEDGER_FILE: this.file, LEDGER_GROUP: group };
  }

  /** Everything that was written so far. */
  read(): LedgerRecord[] {
    const lines = readFileSync(this.file, 'utf8').split('\n');
    // The last one is empty, or still being written.
    return lines.slice(0, -1).map((line) => record.parse(JSON.parse(line)));
  }

  /** Calls `work` through `client` and writes it down; resolves when it is answered, or the caller left. */
  async ask(client: HttpClient, { ms, budgetMs = 5000, signal }: AskOptions = {}): Promise<Answered> {
    const id = `${process.pid}-${++this.#asked}`;
    this.#write({ kind: 'asked', id, at: machineNow(), deadlineAt: machineNow() + budgetMs });
    const headers = { 'Request-Timeout': String(budgetMs / 1000), 'X-Request-Id': id };
    const written = await client.call('work', { id, ms }, headers, signal).then(
      (answer) => answeredBy(id, answer),
      (error: unknown) => failedBy(id, error),
    );
    this.#write(written);
    return written;
  }

  /** The runs that have begun, of one process or of all. */
  began(ofPid?: number): Began[] {
    return this.read()
      .filter((r) => r.kind === 'began')
      .filter((r) => ofPid === undefined || r.pid === ofPid);
  }

  /** The runs of a process that have begun and not ended. */
  running(ofPid: number): Began[] {
    const ended = new Set(this.read().flatMap((r) => (r.kind === 'ended' ? [`${r.id} ${r.pid}`] : [])));
    return this.began(ofPid).filter((run) => !ended.has(`${run.id} ${run.pid}`));
  }

  /** Process ids of the workers below a program, in the order of their start. */
  workersOf(ppid: number): number[] {
    return this.read().flatMap((r) => (r.kind === 'up' && r.ppid === ppid ? [r.pid] : []));
  }

  /** Resolves with the first record that `matches`. */
  seen<T extends LedgerRecord>(matches: (r: LedgerRecord) => r is T, limitMs = 10_000): Promise<T> {
    return until(
      () => this.read().find(matches),
      limitMs,
      () => `a record in\n${readFileSync(this.file, 'utf8').slice(-2000)}`,
    );
  }

  #write(written: LedgerRecord): void {
    appendFileSync(this.file, `${JSON.stringify(written)}\n`);
  }
}

/** A connection that was refused or stale carried nothing; of any other that failed nothing is known. */
function failedBy(id: string, error: unknown): Answered {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const isUnsent = code === 'ECONNREFUSED' || code === 'STALE_CONNECTION';
  return { kind: 'answered', id, at: machineNow(), status: 0, code, ...(isUnsent ? { started: 'no' } : {}) };
}

function answeredBy(id: string, answer: HttpAnswer): Answered {
  const common = { kind: 'answered', id, at: machineNow() } as const;
  const { status } = answer;
  if (answer.headers['content-type'] !== 'application/problem+json') {
    const body = z.object({ id: z.string().optional() }).safeParse(answer.json).data;
    return { ...common, status, bodyId: body?.id };
  }
  const { code, started } = answer.problem;
  return { ...common, status, code, started };
}
