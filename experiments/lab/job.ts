import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { LedgerWriter } from './ledger.ts';
import { sharedNow } from './machine-clock.ts';

/** Environment variable that tells a worker process its job, as JSON. */
export const JOB_VARIABLE = 'LAB_JOB';

/** What a worker of the lab does, and where it notes it. */
export const jobSchema = z.object({
  worker: z.string(),
  ledgerFolder: z.string(),
  /** Each call takes a time from this range; the same call takes the same time in every run. */
  minMs: z.number(),
  maxMs: z.number(),
  /** The worker connects when this file exists; at once without one. */
  gate: z.string().optional(),
  /** The rest is for plain workers. */
  natsUrl: z.string(),
  group: z.string(),
  fn: z.string(),
  budgetMs: z.number(),
  /** Most calls in the buffer; more are dropped. */
  bufferLimit: z.number().optional(),
  /** `high-water`: leaves the group while the buffer is longer than four fifths of the budget. */
  buffer: z.enum(['keep', 'limit', 'high-water', 'skip-stale']),
});

export type JobSettings = z.infer<typeof jobSchema>;

const GATE_POLL_MS = 5;

/** The work of a worker: sleeps, and notes it. */
export class Job {
  readonly settings: JobSettings;
  readonly ledger: LedgerWriter;

  /** Throws when the environment has no job. */
  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.settings = jobSchema.parse(JSON.parse(environment[JOB_VARIABLE] ?? '{}'));
    this.ledger = new LedgerWriter(this.settings.ledgerFolder, this.settings.worker);
  }

  /** Resolves when the lab lets this worker connect. */
  async released(): Promise<void> {
    const { gate } = this.settings;
    if (gate === undefined) return;
    this.ledger.note('held');
    while (!existsSync(gate)) await pause(GATE_POLL_MS);
  }

  /** Sleeps for the time of a call that begins now. Breaks off when the signal fires, and throws then. */
  async run(call: string | undefined, signal?: AbortSignal, now = sharedNow()): Promise<void> {
    const { minMs, maxMs } = this.settings;
    this.ledger.note('began', call, now);
    try {
      await pause(minMs + (maxMs - minMs) * shareOf(call ?? ''), undefined, { signal });
    } catch (error) {
      this.ledger.note('stopped', call);
      throw error;
    }
    this.ledger.note('ended', call);
  }
}

/** A number in [0, 1) that depends on the call alone (FNV-1a, mixed): as good as drawn, and the same in every run. */
export function shareOf(call: string): number {
  let hash = 0x811c9dc5;
  for (const character of call) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
