import { connect } from 'node:net';
import { freePort } from '../../lib/free-port.ts';
import type { Processes } from './processes.ts';
import type { RunningProcess } from './running-process.ts';

/** A gateway that runs. */
export interface RunningGateway {
  readonly process: RunningProcess;
  /** Address without a path. */
  readonly url: string;
}

const READY_LIMIT_MS = 30_000;

/** Starts a gateway of ours on a free port of loopback; resolves when it takes calls. */
export async function startGateway(
  processes: Processes,
  name: string,
  { natsUrl, flags = [] }: { natsUrl: string; flags?: readonly string[] },
): Promise<RunningGateway> {
  const port = await freePort();
  const own = ['--nats-url', natsUrl, '--host', '127.0.0.1', '--port', String(port), '--admin-port', '0'];
  const process = processes.program('gateway', name, { args: ['gateway', ...own, ...flags] });
  await process.until('is ready', READY_LIMIT_MS, () => listens(port));
  return { process, url: `http://127.0.0.1:${port}` };
}

/** True when something takes connections at a port of loopback, else undefined. */
export function listens(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(undefined));
  });
}
