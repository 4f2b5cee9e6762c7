import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../../lib/free-port.ts';
import { listens } from '../../../harness/gateway.ts';
import type { Trace } from '../trace.ts';
import { startWorkers } from './plain.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

const HTTP_WORKER = new URL('../workers/http.ts', import.meta.url);
const START_LIMIT_MS = 10_000;

/** HAProxy in front of HTTP workers: one for each gateway, or one that all callers share. */
export function haproxy(proxies: 'each' | 'shared'): SystemStarter {
  return async (setup) => {
    const { workers, ready: ports } = await startWorkers(setup, {}, HTTP_WORKER);
    const urls: string[] = [];
    for (let i = 0; i < (proxies === 'each' ? setup.trace.gateways : 1); i++) {
      const port = await freePort();
      const file = join(setup.processes.folder, `haproxy-${i}.cfg`);
      writeFileSync(file, configuration(port, ports, setup.trace));
      const proxy = setup.processes.spawn('gateway', `HAProxy ${i}`, 'haproxy', {
        args: ['-db', '-f', file],
      });
      await proxy.until('listens', START_LIMIT_MS, () => listens(port));
      urls.push(`http://127.0.0.1:${port}/${FUNCTION}`);
    }
    const version = /version (\S+)/.exec(execFileSync('haproxy', ['-v'], { encoding: 'utf8' }))?.[1] ?? '';
    return { caller: { kind: 'http', urls, subject: FUNCTION }, workers, versions: { haproxy: version } };
  };
}

function configuration(port: number, workers: readonly unknown[], trace: Trace): string {
  return `global
  maxconn 4000
defaults
  mode http
  timeout connect 1s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
  timeout queue ${trace.deadlineMs}ms
  option redispatch 1
  default-server maxconn ${trace.slots} check inter 500ms fall 1 rise 1
frontend callers
  bind 127.0.0.1:${port}
  default_backend workers
backend workers
  balance leastconn
${workers.map((workerPort, i) => `  server w${i} 127.0.0.1:${workerPort}`).join('\n')}
`;
}
