import type { TestContext } from 'node:test';
import type { NatsServer } from '../../lib/nats-server.ts';
import { type AnswerCheck, type HttpClient, httpClient } from './http.ts';
import { Ledger } from './ledger.ts';
import { startTestServer } from './nats.ts';
import { assertMatchesOpenapi, documentedRoutes } from './openapi.ts';
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

const routes = documentedRoutes();

/** Holds an answer against openapi.yaml, unless its path or method is documented in words only (404, 405, HEAD). */
const checkDocumented: AnswerCheck = (method, path, answer) => {
  const isKnown = routes.some(
    (route) =>
      route.method === method && new RegExp(`^${route.path.replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path),
  );
  if (!isKnown) return;
  const seen = Object.entries(answer.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(', ') : value,
  ]);
  assertMatchesOpenapi(method, path, {
    status: answer.status,
    headers: Object.fromEntries(seen),
    body: answer.text,
  });
};

/** A client whose answers are all held against openapi.yaml. */
export function documentedClient(t: TestContext, port: number): HttpClient {
  return httpClient(t, port, checkDocumented);
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
  return { nats, gateway, worker: program, client: documentedClient(t, gateway.port), ledger };
}
