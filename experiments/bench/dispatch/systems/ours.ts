import { Broker } from '../../../harness/broker.ts';
import { startGateway } from '../../../harness/gateway.ts';
import { startOurWorker } from '../../../harness/workers.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

const START_LIMIT_MS = 20_000;
const FLAGS = ['--log-level', 'warn'];

/** The product, started as users do: the built program; only warnings are logged. */
export const ours: SystemStarter = async ({ trace, processes, jobs }) => {
  const broker = await Broker.start(processes, process.env, { isMonitored: true });
  const natsUrl = broker.url;
  const urls: string[] = [];
  for (let i = 0; i < trace.gateways; i++) {
    const flags = ['--deadline-ms', String(trace.deadlineMs), ...FLAGS];
    const { url } = await startGateway(processes, `gateway ${i}`, { natsUrl, flags });
    urls.push(`${url}/functions/${FUNCTION}`);
  }
  const workers = jobs.map((job) => startOurWorker(processes, { ...job, url: natsUrl }, FLAGS));
  const all = trace.gateways + workers.length;
  const areConnected = async () => Number(await broker.figure('connections')) >= all || undefined;
  await Promise.all(workers.map((worker) => worker.until('serves', START_LIMIT_MS, areConnected)));
  return {
    caller: { kind: 'http', urls, subject: FUNCTION },
    workers,
    messages: () => broker.messages(),
    versions: { 'nats-server': String(await broker.figure('version')) },
  };
};
