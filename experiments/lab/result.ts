import { z } from 'zod';

/** What a run of the lab found. The JSON file, the HTML report and the checks in CI are made of this alone. */

const ms = z.number();
const count = z.int().min(0);

/** How often an outcome was seen by callers. */
const answerCountSchema = z.object({
  /** HTTP status; 0 = the connection ended without an answer. */
  status: z.int(),
  /** Code of the problem, `ok` for a result, or what befell the connection, e.g. `ECONNRESET`. */
  code: z.string(),
  /** What the answer said of it; absent for results and for connections that ended. */
  started: z.enum(['no', 'yes', 'unknown']).optional(),
  count,
});

/** What became of the calls that one worker process had. */
const workerFiguresSchema = z.object({
  name: z.string(),
  /** Calls that reached it, run or not. */
  received: count,
  /** Runs whose caller had the answer in time. */
  answered: count,
  /** Runs whose answer nobody got in time, those that were broken off included. */
  wasted: count,
  /** Milliseconds that runs took, and the part of it that was wasted. */
  workMs: ms,
  wastedMs: ms,
});

/** One moment of a run. */
const sampleSchema = z.object({
  /** Since the first call was due. */
  atMs: ms,
  /** Calls that were sent and not yet answered, as the callers see it. */
  waiting: count,
  /** Calls in the buffers of the workers: received and not begun. */
  buffered: count,
  running: count,
});

/** A call as its caller saw it: when it was due, how long its answer took from then, and its code (`ok` for a result). */
const callPointSchema = z.object({ atMs: ms, tookMs: ms, code: z.string() });

/** One way of running a scenario: the plain queue group, ours, ours with two gateways, ... */
const variantSchema = z.object({
  /** Short, for table heads and legends: `plain`, `ours`, `4 gateways`. */
  name: z.string(),
  kind: z.enum(['plain', 'ours']),
  /** A sentence: what runs here. */
  about: z.string(),
  /** From the first call that was due to the last answer. */
  tookMs: ms,
  budgetMs: ms,
  offered: count,
  /** Results within the budget. */
  inTime: count,
  /** Over all answers; undefined without any. */
  latencyMs: z.object({ p50: ms, p90: ms, p99: ms, max: ms }).optional(),
  outcomes: z.array(answerCountSchema),
  workers: z.array(workerFiguresSchema),
  /** Figures that only this scenario has, as they are shown: `calls that ran twice`, `0`. Same labels in all variants. */
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  samples: z.array(sampleSchema),
  calls: z.array(callPointSchema),
  /** What the lab did to it: `SIGKILL of worker 1`. */
  events: z.array(z.object({ atMs: ms, what: z.string() })),
  /** Some lines of log worth seeing, oldest first. */
  log: z.array(z.string()),
});

/** What a scenario must show, and whether it did. */
const checkSchema = z.object({ says: z.string(), ok: z.boolean(), got: z.string() });

const scenarioResultSchema = z.object({
  id: z.string(),
  title: z.string(),
  question: z.string(),
  /** What the notebook saw. */
  notebook: z.string(),
  /** Whether the share that was answered in time tells which variant does better. Default true. */
  comparesShares: z.boolean().optional(),
  variants: z.array(variantSchema),
  checks: z.array(checkSchema),
  /** Why it could not be run to its end; its checks then count as failed. */
  error: z.string().optional(),
});

/** The parts of a system that the loss table harms, what is done to them, and where the call is at that moment. */
export const LOSS_PARTS = ['broker', 'worker', 'gateway'] as const;
export const LOSS_SIGNALS = ['SIGTERM', 'SIGKILL', 'SIGSTOP'] as const;
export const LOSS_PHASES = ['before it is sent', 'parked', 'on the way', 'running', 'answering'] as const;

/** One cell of the loss table. */
const lossSchema = z.object({
  part: z.enum(LOSS_PARTS),
  signal: z.enum(LOSS_SIGNALS),
  phase: z.enum(LOSS_PHASES),
  /** What the caller saw, see `answerCountSchema`. */
  status: z.int(),
  code: z.string(),
  started: z.enum(['no', 'yes', 'unknown']).optional(),
  /** From the call to its answer, in shares of the budget. */
  tookShare: z.number(),
  /** Whether the handler began, and whether it came to its end. */
  work: z.enum(['never began', 'began', 'ended']),
});

export const labResultSchema = z.object({
  /** ISO 8601. */
  at: z.string(),
  command: z.string(),
  /** Every time is the notebook's divided by this. */
  speedUp: z.number(),
  versions: z.record(z.string(), z.string()),
  machine: z.object({ processor: z.string(), cores: count, memoryGiB: z.number(), system: z.string() }),
  scenarios: z.array(scenarioResultSchema),
  losses: z.object({ budgetMs: ms, cells: z.array(lossSchema), checks: z.array(checkSchema) }).optional(),
});

export type AnswerCount = z.infer<typeof answerCountSchema>;
export type WorkerFigures = z.infer<typeof workerFiguresSchema>;
export type Sample = z.infer<typeof sampleSchema>;
export type Variant = z.infer<typeof variantSchema>;
export type Check = z.infer<typeof checkSchema>;
export type ScenarioResult = z.infer<typeof scenarioResultSchema>;
export type Loss = z.infer<typeof lossSchema>;
export type LabResult = z.infer<typeof labResultSchema>;
