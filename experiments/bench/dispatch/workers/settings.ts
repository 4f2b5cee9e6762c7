import type { JobSettings } from '../job.mjs';

/** What a bench worker is told by its parent: the only message; answered with a `WorkerReady`. */
export interface WorkerSettings {
  readonly job: JobSettings;
  readonly slots: number;
  readonly deadlineMs: number;
  /** NATS or AMQP address; unused by the HTTP worker. */
  readonly url: string;
  /** NATS subject or AMQP queue. */
  readonly subject: string;
  /** What the plain NATS worker does about a full buffer. */
  readonly buffer: 'keep' | 'skip' | 'highwater';
}

/** The worker serves. */
export interface WorkerReady {
  /** Where the HTTP worker listens. */
  readonly port?: number | undefined;
}

/** Runs a worker's start with its settings, reports that it serves, and ends the process with its parent. */
export function serveAsChild(start: (settings: WorkerSettings) => Promise<WorkerReady>): void {
  process.once('disconnect', () => process.exit(0));
  process.once('message', (settings: WorkerSettings) => {
    start(settings).then(
      (ready) => process.send?.(ready),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
