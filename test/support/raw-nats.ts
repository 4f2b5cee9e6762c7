import type { TestContext } from 'node:test';
import { type ConnectionOptions, connect, type NatsConnection } from 'nats';

/** A connection of the plain client, for tests that play a foreign program; closed with the test. */
export async function connectRaw(
  t: TestContext,
  url: string,
  options: ConnectionOptions = {},
): Promise<NatsConnection> {
  const nc = await connect({ servers: url.replace(/^nats:\/\//, ''), name: 'raw', ...options });
  t.after(() => nc.close());
  return nc;
}
