import type { Processes } from '../../../harness/processes.ts';
import { startHaproxy } from '../../../harness/proxies/haproxy.ts';
import { startNginx } from '../../../harness/proxies/nginx.ts';
import { proxyVersion, type RunningProxy } from '../../../harness/proxies/proxy.ts';
import { startModule } from './modules.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

/** nginx before the handler over HTTP. */
export const nginx = before('nginx', startNginx);

/** HAProxy before the handler over HTTP. */
export const haproxy = before('haproxy', startHaproxy);

function before(
  command: 'nginx' | 'haproxy',
  start: (processes: Processes, plan: { workers: readonly unknown[] }) => Promise<RunningProxy>,
): SystemStarter {
  return async (processes) => {
    const version = proxyVersion(command);
    const worker = await startModule(processes, 'worker', 'programs/http-worker.mjs', {});
    const { url } = await start(processes, { workers: [worker] });
    return { url: `${url}/functions/${FUNCTION}`, outputFiles: [], versions: { [command]: version } };
  };
}
