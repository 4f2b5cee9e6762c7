import { connect } from 'node:net';
import type { Processes, ProgramOptions } from './processes.ts';
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
  {
    natsUrl,
    flags = [],
    ...options
  }: { natsUrl: string; flags?: readonly string[] } & Pick<ProgramOptions, 'built' | 'outputFile'>,
): Promise<RunningGateway> {
  const own = ['--nats-url', natsUrl, '--host', '127.0.0.1', '--port', '0', '--admin-port', '0'];
  const process = processes.program('gateway', name, { ...options, args: ['gateway', ...own, ...flags] });
  // Not a port that was free before: another program may have taken it, and would be called instead.
  const port = await process.message(READY_LIMIT_MS);
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
