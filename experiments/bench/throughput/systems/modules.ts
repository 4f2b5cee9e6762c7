import type { Processes } from '../../../harness/processes.ts';
import type { Role } from '../../../harness/running-process.ts';
import { START_LIMIT_MS } from './system.ts';

/** Starts a program of this folder in plain JavaScript; resolves to what it tells: its port, or that it is ready. */
export function startModule(
  processes: Processes,
  role: Role,
  path: string,
  env: Readonly<Record<string, string>>,
): Promise<unknown> {
  const module = new URL(`../${path}`, import.meta.url);
  const options = { env: { NODE_ENV: 'production', ...env } };
  return processes.module(role, path, module, options).message(START_LIMIT_MS);
}
