/** How fast a bench worker is, and where it notes what it did. */
export interface JobSettings {
  readonly baseMs: number;
  readonly scale: number;
  /** Appended to; nothing is noted without it. */
  readonly ledgerPath?: string | undefined;
}

/** Works off one call; rejects when aborted. */
export type Job = (call: string, sizeMs: number, signal?: AbortSignal) => Promise<void>;

/** A job sleeps `baseMs + scale × sizeMs` milliseconds. */
export function createJob(settings: JobSettings): Job;
