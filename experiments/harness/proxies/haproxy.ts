import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../lib/free-port.ts';
import type { Processes } from '../processes.ts';
import { proxyAt, type RunningProxy } from './proxy.ts';

/** What HAProxy is to do. */
export interface HaproxyPlan {
  /** Ports of HTTP workers on loopback. */
  readonly workers: readonly unknown[];
  /** Further lines of its section `defaults`. */
  readonly defaults?: readonly string[];
}

/** Starts HAProxy, with one thread, before HTTP workers on a free port of loopback; several need names of their own. */
export async function startHaproxy(
  processes: Processes,
  plan: HaproxyPlan,
  name = 'HAProxy',
): Promise<RunningProxy> {
  const port = await freePort();
  const file = join(processes.folder, `${name.replaceAll(' ', '-')}.cfg`);
  writeFileSync(file, configuration(port, plan));
  return proxyAt(processes.spawn('gateway', name, 'haproxy', { args: ['-db', '-f', file] }), port);
}

function configuration(port: number, { workers, defaults = [] }: HaproxyPlan): string {
  return `global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
${defaults.map((line) => `  ${line}\n`).join('')}frontend callers
  bind 127.0.0.1:${port} backlog 4096
  default_backend workers
backend workers
  balance leastconn
${workers.map((worker, i) => `  server w${i} 127.0.0.1:${worker}`).join('\n')}
`;
}
