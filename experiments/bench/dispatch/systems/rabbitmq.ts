import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { freePort } from '../../../../lib/free-port.ts';
import { type Children, listens, until } from '../children.ts';
import { startWorkers } from './plain.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

/** Debian keeps the script that starts the server in the foreground, as any user, here. */
const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const START_LIMIT_MS = 60_000;

/** RabbitMQ with prefetch, a time to live for each message, and direct reply-to. */
export const rabbitmq: SystemStarter = async (setup) => {
  const { url, version } = await startRabbit(setup.children);
  const { workers } = await startWorkers(setup, new URL('../workers/rabbit.ts', import.meta.url), {
    url,
    subject: FUNCTION,
    buffer: 'keep',
  });
  const urls = Array.from({ length: setup.trace.gateways }, () => url);
  return { caller: { kind: 'amqp', urls, subject: FUNCTION }, workers, versions: { rabbitmq: version } };
};

/** A private broker: its own node name, ports, port mapper and folder; the system's is not touched. */
async function startRabbit(children: Children): Promise<{ url: string; version: string }> {
  const [port, mapperPort, distributionPort] = [await freePort(), await freePort(), await freePort()];
  const folder = join(children.folder, 'rabbitmq');
  mkdirSync(folder);
  writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
  writeFileSync(
    join(folder, 'rabbitmq.conf'),
    [`listeners.tcp.1 = 127.0.0.1:${port}`, 'log.file = false', 'log.console = true', ''].join('\n'),
  );
  const mapper = children.spawn('broker', 'epmd', ['-port', `${mapperPort}`, '-address', '127.0.0.1']);
  await until('epmd', START_LIMIT_MS, () => listens(mapperPort));
  children.assertRunning(mapper);
  const server = children.spawn('broker', SERVER, [], {
    env: {
      PATH: process.env.PATH,
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
  await until('RabbitMQ', START_LIMIT_MS, async () => {
    children.assertRunning(server);
    return listens(port);
  });
  const connection = await connect(url);
  const version = String(connection.connection.serverProperties.version);
  await connection.close();
  return { url, version };
}
