import type { TestContext } from 'node:test';
import type { Logger } from 'pino';
import { NatsBus } from '../../lib/nats.ts';
import { type NatsServer, startNatsServer } from '../../lib/nats-server.ts';
import { silentLog } from './log.ts';

/** Starts a real NATS server that ends with the test. NATS_SERVER_BIN names the binary, if set. */
export async function startTestServer(
  t: TestContext,
  options: { port?: number; config?: string } = {},
): Promise<NatsServer> {
  const { NATS_SERVER_BIN: bin, PATH: path } = process.env;
  const server = await startNatsServer({ bin, path, log: silentLog, ...options });
  t.after(() => server.stop());
  return server;
}

/** A bus connected to `servers` (comma list), closed with the test. */
export async function connectTestBus(
  t: TestContext,
  servers: string,
  options: { name?: string; log?: Logger } = {},
): Promise<NatsBus> {
  const bus = new NatsBus({ servers, name: options.name ?? 'test', log: options.log ?? silentLog });
  t.after(() => bus.close());
  bus.start();
  await connection(bus, true);
  return bus;
}

/** Resolves when `bus.connected` is `wanted`; rejects after `limitMs`. */
export async function connection(
  bus: Pick<NatsBus, 'connected' | 'onConnection'>,
  wanted: boolean,
  limitMs = 10_000,
): Promise<void> {
  if (bus.connected === wanted) return;
  await new Promise<void>((resolve, reject) => {
    const limit = setTimeout(() => {
      stop();
      reject(new Error(`the bus was not ${wanted ? 'connected' : 'disconnected'} within ${limitMs} ms`));
    }, limitMs);
    const stop = bus.onConnection((connected) => {
      if (connected !== wanted) return;
      stop();
      clearTimeout(limit);
      resolve();
    });
  });
}
