import { execFile, execFileSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { pino } from 'pino';
import type { Environment } from '../../cli/command.ts';
import { findNatsServer } from '../../lib/nats-server.ts';

/** Where figures come from. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
}

/** The machine that this process runs on. */
export function describeMachine(): Machine {
  const all = cpus();
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  };
}

/** Version of the nats-server that is used. Rejects with one line when there is none. */
export async function natsServerVersion({ NATS_SERVER_BIN: bin, PATH: path }: Environment): Promise<string> {
  const found = await findNatsServer({ bin, path, log: pino({ level: 'silent' }) });
  const { stdout } = await promisify(execFile)(found, ['--version']);
  return /v(\d\S*)/.exec(stdout)?.[1] ?? 'unknown';
}

/** Commit of the code, with `+ changes` when the working copy differs; `unknown` outside a repository. */
export function commit(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') !== '';
    return git('rev-parse', '--short', 'HEAD') + (changed ? ' + changes' : '');
  } catch {
    return 'unknown';
  }
}
