import { fileURLToPath } from 'node:url';
import type { JobSettings } from './job.mjs';
import type { Processes, ProgramOptions } from './processes.ts';
import type { RunningProcess } from './running-process.ts';

const HANDLER = fileURLToPath(new URL('./handler.mjs', import.meta.url));
const PLAIN_WORKER = new URL('./plain-worker.ts', import.meta.url);

/** Starts a worker of ours: a program and its one worker process, which serve `handler.mjs`. */
export function startOurWorker(
  processes: Processes,
  job: JobSettings,
  flags: readonly string[] = [],
  options: Pick<ProgramOptions, 'built' | 'outputFile'> = {},
): RunningProcess {
  const { worker, url, slots, group } = job;
  const own = ['--nats-url', url, '--slots', String(slots), '--group', group];
  return processes.program('worker', worker, {
    ...options,
    args: ['worker', HANDLER, ...own, ...flags],
    env: environmentOf(job),
  });
}

/** Starts a worker of another kind, a plain NATS one by default. It sends a message when it serves. */
export function startWorker(processes: Processes, job: JobSettings, module = PLAIN_WORKER): RunningProcess {
  return processes.fork('worker', job.worker, module, { env: environmentOf(job) });
}

function environmentOf(job: JobSettings) {
  return { WORKER_JOB: JSON.stringify(job) };
}
