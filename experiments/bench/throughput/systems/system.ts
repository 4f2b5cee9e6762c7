import type { Processes } from '../../../harness/processes.ts';

/** A system that serves. */
export interface RunningSystem {
  /** Where its function is called. */
  readonly url: string;
  /** Messages that have gone into and out of its NATS server so far. */
  readonly messages?: () => Promise<number>;
  /** Files that its processes write to; they may be emptied at any time. */
  readonly outputFiles: readonly string[];
  /** Of what it runs on, for the report. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Starts a system on free ports; resolves when it serves. What it starts belongs to `processes`, also when it throws. */
export type SystemStarter = (processes: Processes) => Promise<RunningSystem>;

/** The function that every system serves. */
export const FUNCTION = 'bench';

/** How long anything here may take to start. */
export const START_LIMIT_MS = 30_000;

/** What its handler answers, as it arrives. */
export const EXPECTED = '{"ok":true,"by":"bench"}';
