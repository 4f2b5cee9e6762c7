import type { TestContext } from 'node:test';
import type { NatsServer } from '../../lib/nats-server.ts';
import { type HttpClient, httpClient } from './http.ts';
import { Ledger } from './ledger.ts';
import { startTestServer } from './nats.ts';
import {
  type GatewayProgram,
  type Program,
  startGateway,
  startWorker,
  type WorkerOptions,
} from './processes.ts';

/** A broker, a gateway and a pool of workers of a test's own. */
export interface System {
  readonly nats: NatsServer;
  readonly gateway: GatewayProgram;
  readonly worker: Program;
  readonly client: HttpClient;
  readonly ledger: Ledger;
}

/** What differs from one gateway and one worker process with all handlers. */
export interface SystemOptions {
  gatewayFlags?: readonly string[];
  worker?: WorkerOptions;
}

/** Starts all of it, ready for calls; it ends with the test. */
export async function startSystem(t: TestContext, options: SystemOptions = {}): Promise<System> {
  const ledger = new Ledger(t);
  const nats = await startTestServer(t);
  const { env = {}, ...worker } = options.worker ?? {};
  const [gateway, program] = await Promise.all([
    startGateway(t, nats.url, options.gatewayFlags),
    startWorker(t, nats.url, { ...worker, env: { ...ledger.env(), ...env } }),
  ]);
  return { nats, gateway, worker: program, client: httpClient(t, gateway.port), ledger };
}
