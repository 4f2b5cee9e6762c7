import { execFileSync } from 'node:child_process';
import { listens } from '../gateway.ts';
import type { RunningProcess } from '../running-process.ts';

/** A proxy that runs. */
export interface RunningProxy {
  /** Address without a path. */
  readonly url: string;
  readonly process: RunningProcess;
}

/** A program that is not there; the message says how to get it. */
export class MissingProgram extends Error {}

const START_LIMIT_MS = 10_000;

/** The version of a proxy's program. Throws a `MissingProgram` when there is none. */
export function proxyVersion(command: 'nginx' | 'haproxy'): string {
  try {
    // nginx says it on standard error.
    const said = execFileSync('sh', ['-c', `${command} -v 2>&1`], { encoding: 'utf8' });
    return /(?:version |nginx\/)(\d\S*)/.exec(said)?.[1] ?? 'unknown';
  } catch {
    throw new MissingProgram(`${command} is not installed: apt-get install ${command}`);
  }
}

/** Resolves when a proxy takes connections. */
export async function proxyAt(process: RunningProcess, port: number): Promise<RunningProxy> {
  await process.until('listens', START_LIMIT_MS, () => listens(port));
  return { url: `http://127.0.0.1:${port}`, process };
}
