import { startHaproxy } from '../../../harness/proxies/haproxy.ts';
import { proxyVersion } from '../../../harness/proxies/proxy.ts';
import { startWorkers } from './plain.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

const HTTP_WORKER = new URL('../../../harness/http-worker.ts', import.meta.url);

/** HAProxy in front of HTTP workers: one for each gateway, or one that all callers share. */
export function haproxy(proxies: 'each' | 'shared'): SystemStarter {
  return async (setup) => {
    const version = proxyVersion('haproxy');
    const { workers, ready: ports } = await startWorkers(setup, {}, HTTP_WORKER);
    const { deadlineMs, slots } = setup.trace;
    const defaults = [
      `timeout queue ${deadlineMs}ms`,
      'option redispatch 1',
      `default-server maxconn ${slots} check inter 500ms fall 1 rise 1`,
    ];
    const urls: string[] = [];
    for (let i = 0; i < (proxies === 'each' ? setup.trace.gateways : 1); i++) {
      const { url } = await startHaproxy(setup.processes, { workers: ports, defaults }, `HAProxy ${i}`);
      urls.push(`${url}/${FUNCTION}`);
    }
    return { caller: { kind: 'http', urls, subject: FUNCTION }, workers, versions: { haproxy: version } };
  };
}
