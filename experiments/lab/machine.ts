import { execFile } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { findNatsServer } from '../../lib/nats-server.ts';
import type { LabResult } from './result.ts';

const run = promisify(execFile);

/** The machine that this process runs on. */
export function describeMachine(): LabResult['machine'] {
  const all = cpus();
  return {
    processor: all[0]?.model ?? 'unknown',
    cores: all.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
  };
}

/** Version of the nats-server that is used. Rejects with one line when there is none. */
export async function natsServerVersion(env: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { NATS_SERVER_BIN: bin, PATH: path } = env;
  const found = await findNatsServer({ bin, path, log: pino({ level: 'silent' }) });
  const { stdout } = await run(found, ['--version']);
  return /v(\d\S*)/.exec(stdout)?.[1] ?? 'unknown';
}
