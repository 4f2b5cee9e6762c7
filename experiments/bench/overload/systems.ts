import { join, resolve } from 'node:path';
import { Broker } from '../../harness/broker.ts';
import { startGateway } from '../../harness/gateway.ts';
import type { JobSettings } from '../../harness/job.mjs';
import type { Processes } from '../../harness/processes.ts';
import { startHaproxy } from '../../harness/proxies/haproxy.ts';
import { startNginx } from '../../harness/proxies/nginx.ts';
import { proxyVersion, type RunningProxy } from '../../harness/proxies/proxy.ts';
import { startOurWorker, startWorker } from '../../harness/workers.ts';

/** What every system is set up from: one worker process. */
interface Setup {
  /** The handler sleeps so long. */
  readonly handlerMs: number;
  /** Calls that the worker runs at a time. */
  readonly slots: number;
  readonly deadlineMs: number;
}

/** A system that serves. */
interface RunningSystem {
  /** Where its function is called. */
  readonly url: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** Starts a system; resolves when it serves. What it starts belongs to `processes`, also when it throws. */
export type SystemStarter = (processes: Processes, setup: Setup) => Promise<RunningSystem>;

const FUNCTION = 'bench';
const START_LIMIT_MS = 30_000;
const HTTP_WORKER = new URL('../../harness/http-worker.ts', import.meta.url);

/** All systems by name, in the order of the report. */
export const systems: Readonly<Record<string, SystemStarter>> = {
  ours: ours(undefined),
  // Twice the slots, so that a slot does not stand empty while its next call is on the way.
  nginx: before('nginx', (processes, worker, { slots }) =>
    startNginx(processes, {
      workers: [worker],
      http: ['limit_conn_zone $server_port zone=calls:1m;'],
      location: [`limit_conn calls ${2 * slots};`],
    }),
  ),
  // A queue as long as the deadline would serve everybody just too late.
  haproxy: before('haproxy', (processes, worker, { slots, deadlineMs }) =>
    startHaproxy(processes, {
      workers: [worker],
      defaults: [
        `timeout queue ${deadlineMs / 2}ms`,
        'option abortonclose',
        `default-server maxconn ${slots}`,
      ],
    }),
  ),
};

/** The product with its defaults, logs at info to a file; `dist` is another build of it. */
export function ours(dist: string | undefined): SystemStarter {
  return async (processes, setup) => {
    const broker = await Broker.start(processes, process.env, { isMonitored: true });
    const built = dist === undefined ? undefined : resolve(dist, 'cli/main.js');
    const log = (name: string) => join(processes.folder, name);
    const natsUrl = broker.url;
    const gateway = await startGateway(processes, 'gateway', {
      ...{ natsUrl, built, outputFile: log('gateway.log') },
    });
    const options = { built, outputFile: log('worker.log') };
    startOurWorker(processes, { ...jobOf(setup), url: natsUrl }, [], options);
    const url = `${gateway.url}/functions/${FUNCTION}`;
    await gateway.process.until('answers', START_LIMIT_MS, async () => {
      const response = await fetch(url, { method: 'POST', body: '{}' });
      return response.ok || undefined;
    });
    return { url, versions: { 'nats-server': String(await broker.figure('version')) } };
  };
}

function before(
  command: 'nginx' | 'haproxy',
  start: (processes: Processes, worker: unknown, setup: Setup) => Promise<RunningProxy>,
): SystemStarter {
  return async (processes, setup) => {
    const version = proxyVersion(command);
    const worker = await startWorker(processes, jobOf(setup), HTTP_WORKER).message(START_LIMIT_MS);
    const { url } = await start(processes, worker, setup);
    return { url: `${url}/functions/${FUNCTION}`, versions: { [command]: version } };
  };
}

function jobOf({ handlerMs, slots, deadlineMs }: Setup): JobSettings {
  return {
    ...{ worker: 'worker', baseMs: handlerMs, scale: 0, subject: FUNCTION, url: '', group: 'workers' },
    ...{ slots, budgetMs: deadlineMs, buffer: {} },
  };
}
