import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../../../lib/free-port.ts';
import { type Children, listens, until } from '../children.ts';
import { startBenchNats } from './nats.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

const PROGRAM = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url));
const HANDLER = fileURLToPath(new URL('../handler.mjs', import.meta.url));
const START_LIMIT_MS = 20_000;

/** The product, started as users do: the built program, settings in the environment; only warnings are logged. */
export const ours: SystemStarter = async ({ trace, children, jobs }) => {
  if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} does not exist: run "npm run build" first`);
  const nats = await startBenchNats(children);
  const environment = { NATS_URL: nats.url, DEADLINE_MS: String(trace.deadlineMs), LOG_LEVEL: 'warn' };
  const urls: string[] = [];
  for (let i = 0; i < trace.gateways; i++) {
    const port = await freePort();
    const gateway = program(children, 'gateway', ['gateway'], {
      ...environment,
      HOST: '127.0.0.1',
      PORT: String(port),
      ADMIN_PORT: '0',
    });
    await until('the gateway', START_LIMIT_MS, () => {
      children.assertRunning(gateway);
      return listens(port);
    });
    urls.push(`http://127.0.0.1:${port}/functions/${FUNCTION}`);
  }
  const workers = jobs.map((job) =>
    program(children, 'worker', ['worker', HANDLER, '--slots', String(trace.slots)], {
      ...environment,
      BENCH_JOB: JSON.stringify(job),
    }),
  );
  const parts = trace.gateways + workers.length;
  await until(`${parts} connections to NATS`, START_LIMIT_MS, async () => {
    for (const worker of workers) children.assertRunning(worker);
    return (await nats.connections()) >= parts;
  });
  return {
    caller: { kind: 'http', urls, subject: FUNCTION },
    workers,
    messages: nats.messages,
    versions: { 'nats-server': nats.version },
  };
};

function program(
  children: Children,
  role: 'gateway' | 'worker',
  args: readonly string[],
  environment: Record<string, string>,
): ChildProcess {
  return children.spawn(role, process.execPath, [PROGRAM, ...args], {
    env: { ...process.env, ...environment },
  });
}
