import { Broker } from '../../../harness/broker.ts';
import type { BufferRule, JobSettings } from '../../../harness/job.mjs';
import type { RunningProcess } from '../../../harness/running-process.ts';
import { startWorker } from '../../../harness/workers.ts';
import type { Setup, SystemStarter } from './system.ts';
import { FUNCTION } from './system.ts';

const WORKER_LIMIT_MS = 20_000;
const SUBJECT = `plain.${FUNCTION}`;

/** A core NATS queue group; `buffer` says what its workers do with what they cannot run yet. */
export function plain(buffer: BufferRule): SystemStarter {
  return async (setup) => {
    const broker = await Broker.start(setup.processes, process.env, { isMonitored: true });
    const { url } = broker;
    const { workers } = await startWorkers(setup, { url, subject: SUBJECT, buffer });
    return {
      caller: {
        kind: 'nats',
        urls: Array.from({ length: setup.trace.gateways }, () => url),
        subject: SUBJECT,
      },
      workers,
      messages: () => broker.messages(),
      versions: { 'nats-server': String(await broker.figure('version')) },
    };
  };
}

/** Starts the workers of a module, plain NATS ones by default, and resolves when all serve. */
export async function startWorkers(
  { processes, jobs }: Setup,
  settings: Partial<JobSettings>,
  module?: URL,
): Promise<{ workers: RunningProcess[]; ready: unknown[] }> {
  const workers = jobs.map((job) => startWorker(processes, { ...job, ...settings }, module));
  const ready = await Promise.all(workers.map((worker) => worker.message(WORKER_LIMIT_MS)));
  return { workers, ready };
}
