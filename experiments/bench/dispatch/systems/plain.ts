import type { WorkerReady, WorkerSettings } from '../workers/settings.ts';
import { startBenchNats } from './nats.ts';
import { FUNCTION, type Setup, type SystemStarter } from './system.ts';

const WORKER_LIMIT_MS = 20_000;
const SUBJECT = `plain.${FUNCTION}`;

/** A core NATS queue group; `buffer` says what its workers do with what they cannot run yet. */
export function plain(buffer: WorkerSettings['buffer']): SystemStarter {
  return async (setup) => {
    const nats = await startBenchNats(setup.children);
    const { workers } = await startWorkers(setup, new URL('../workers/plain.ts', import.meta.url), {
      url: nats.url,
      subject: SUBJECT,
      buffer,
    });
    return {
      caller: {
        kind: 'nats',
        urls: Array.from({ length: setup.trace.gateways }, () => nats.url),
        subject: SUBJECT,
      },
      workers,
      messages: nats.messages,
      versions: { 'nats-server': nats.version },
    };
  };
}

/** Starts the workers of a module in `workers/` and resolves when all serve. */
export async function startWorkers(
  { children, jobs, trace }: Setup,
  module: URL,
  settings: Pick<WorkerSettings, 'url' | 'subject' | 'buffer'>,
): Promise<{ workers: ReturnType<typeof children.fork>[]; ports: (number | undefined)[] }> {
  const workers = jobs.map(() => children.fork('worker', module));
  const ports = await Promise.all(
    workers.map(async (worker, index) => {
      const ready = children.message(worker, WORKER_LIMIT_MS);
      const job = jobs[index] ?? { baseMs: 0, scale: 1 };
      const message: WorkerSettings = { ...settings, job, slots: trace.slots, deadlineMs: trace.deadlineMs };
      worker.send(message);
      const reported = await ready;
      return isWorkerReady(reported) ? reported.port : undefined;
    }),
  );
  return { workers, ports };
}

function isWorkerReady(message: unknown): message is WorkerReady {
  return typeof message === 'object' && message !== null;
}
