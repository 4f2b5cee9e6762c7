import { pino } from 'pino';
import { freePort } from '../../../../lib/free-port.ts';
import { startNatsServer } from '../../../../lib/nats-server.ts';
import type { Children } from '../children.ts';

/** A NATS server of a run. */
export interface BenchNats {
  readonly url: string;
  readonly version: string;
  /** Messages in and out so far. */
  messages(): Promise<number>;
  /** Clients that are connected. */
  connections(): Promise<number>;
}

/** Starts a nats-server with its monitoring port; which binary, `lib/nats-server.ts` decides. */
export async function startBenchNats(children: Children): Promise<BenchNats> {
  const monitorPort = await freePort();
  const server = await startNatsServer({
    bin: process.env.NATS_SERVER_BIN,
    path: process.env.PATH,
    config: `http: "127.0.0.1:${monitorPort}"`,
    log: pino({ level: 'silent' }),
  });
  children.adopt('broker', server.pid, () => server.stop());
  const figure = async (name: string) => {
    const response = await fetch(`http://127.0.0.1:${monitorPort}/varz`);
    const figures: unknown = await response.json();
    return typeof figures === 'object' && figures !== null ? Reflect.get(figures, name) : undefined;
  };
  return {
    url: server.url,
    version: String(await figure('version')),
    messages: async () => Number(await figure('in_msgs')) + Number(await figure('out_msgs')),
    connections: async () => Number(await figure('connections')),
  };
}
