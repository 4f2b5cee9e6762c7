import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { freePort } from '../../../../lib/free-port.ts';
import { listens } from '../../../harness/gateway.ts';
import type { Processes } from '../../../harness/processes.ts';
import { startWorkers } from './plain.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

/** Debian keeps the script that starts the server in the foreground, as any user, here. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const RABBIT_WORKER = new URL('../workers/rabbit.ts', import.meta.url);
const START_LIMIT_MS = 60_000;

/** RabbitMQ with prefetch, a time to live for each message, and direct reply-to. */
export const rabbitmq: SystemStarter = async (setup) => {
  const { url, version } = await startRabbit(setup.processes);
  const { workers } = await startWorkers(setup, { url }, RABBIT_WORKER);
  const urls = Array.from({ length: setup.trace.gateways }, () => url);
  return { caller: { kind: 'amqp', urls, subject: FUNCTION }, workers, versions: { rabbitmq: version } };
};

/** A private broker: its own node name, ports, port mapper and folder; the system's is not touched. */
async function startRabbit(processes: Processes): Promise<{ url: string; version: string }> {
  const [port, mapperPort, distributionPort] = [await freePort(), await freePort(), await freePort()];
  const folder = join(processes.folder, 'rabbitmq');
  mkdirSync(folder);
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    [`listeners.tcp.1 = 127.0.0.1:${port}`, 'log.file = false', 'log.console = true', ''].join('\n'),
  );
  const mapper = processes.spawn('broker', 'epmd', 'epmd', {
    args: ['-port', `${mapperPort}`, '-address', '127.0.0.1'],
  });
  await mapper.until('listens', START_LIMIT_MS, () => listens(mapperPort));
  const server = processes.spawn('broker', 'RabbitMQ', SERVER, {
    env: {
      HOME: folder,
      ERL_EPMD_PORT: String(mapperPort),
      RABBITMQ_NODENAME: `bench-${process.pid}-${port}@localhost`,
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distributionPort),
      RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
      RABBITMQ_LOG_BASE: join(folder, 'log'),
      RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      RABBITMQ_PID_FILE: join(folder, 'pid'),
    },
  });
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  await server.until('listens', START_LIMIT_MS, () => listens(port));
  const connection = await connect(url);
  const version = String(connection.connection.serverProperties.version);
  await connection.close();
  return { url, version };
}
