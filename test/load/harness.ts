import { once } from 'node:events';
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { Load, type LoadCall, type LoadPlan, type LoadSummary } from '../../load/load.ts';

/** A server of a test's own on a free port of loopback; resolves with its address. It ends with the test. */
export async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return `http://127.0.0.1:${address.port}`;
}

/** About 20 calls in 100 ms, at the same times in every run. */
export const BRIEF = { arrivals: { kind: 'poisson', perSecond: 200 }, durationMs: 100, seed: 1 } as const;

/** Runs a load to its end; `calls` are all that it reported. It is aborted with the test. */
export async function runLoad(
  t: TestContext,
  options: LoadPlan,
): Promise<{ summary: LoadSummary; calls: LoadCall[] }> {
  const { load, calls } = recordedLoad(t, options);
  load.start();
  return { summary: await load.done, calls };
}

/** A load that was not started, and the calls that it reports. It is aborted with the test. */
export function recordedLoad(t: TestContext, options: LoadPlan): { load: Load; calls: LoadCall[] } {
  const calls: LoadCall[] = [];
  const load = new Load({ ...options, onCall: (call) => calls.push(call) });
  t.after(() => load.abort());
  return { load, calls };
}

/** Answers with a problem document. */
export function problem(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/problem+json', ...headers }).end(text);
}
