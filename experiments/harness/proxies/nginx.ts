import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../../lib/free-port.ts';
import type { Processes } from '../processes.ts';
import { proxyAt, type RunningProxy } from './proxy.ts';

/** What nginx is to do. */
export interface NginxPlan {
  /** Ports of HTTP workers on loopback. */
  readonly workers: readonly unknown[];
  /** Further lines of its block `http`. */
  readonly http?: readonly string[];
  /** Further lines of its block `location`. */
  readonly location?: readonly string[];
}

/**
 * Starts nginx, with one worker process, before HTTP workers on a free port of loopback. It keeps connections to them,
 * writes no access log, and holds bodies in memory: by default it would write those above 16 KiB to a file.
 */
export async function startNginx(processes: Processes, plan: NginxPlan): Promise<RunningProxy> {
  const port = await freePort();
  const file = join(processes.folder, 'nginx.conf');
  writeFileSync(file, configuration(port, processes.folder, plan));
  const args = ['-c', file, '-p', processes.folder, '-e', 'stderr'];
  return proxyAt(processes.spawn('gateway', 'nginx', 'nginx', { args }), port);
}

function configuration(
  port: number,
  folder: string,
  { workers, http = [], location = [] }: NginxPlan,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  // As root it would else become somebody who may not use the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user}
daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 20000; }
http {
  ${temporary.join('\n  ')}
  access_log off;
  client_max_body_size 2m;
  client_body_buffer_size 2m;
  keepalive_requests 100000000;
  ${http.join('\n  ')}
  upstream workers {
    ${workers.map((worker) => `server 127.0.0.1:${worker} max_fails=0;`).join('\n    ')}
    keepalive 512;
    keepalive_requests 100000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://workers;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      ${location.join('\n      ')}
    }
  }
}
`;
}
