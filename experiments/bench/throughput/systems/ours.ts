import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Broker } from '../../../harness/broker.ts';
import { startGateway } from '../../../harness/gateway.ts';
import { startModule } from './modules.ts';
import { FUNCTION, START_LIMIT_MS, type SystemStarter } from './system.ts';

const HANDLER = fileURLToPath(new URL('../programs/handler.mjs', import.meta.url));

/**
 * The product as it is shipped: the built program with its defaults, logs at info to a file. `dist` is another build
 * of it; `bare` puts its gateway before a bare responder, and `flags` are more of its worker's.
 */
export function ours({
  dist,
  worker = 'ours',
  flags = [],
}: {
  dist?: string | undefined;
  worker?: 'ours' | 'bare';
  flags?: readonly string[];
}): SystemStarter {
  return async (processes) => {
    const broker = await Broker.start(processes, process.env, { isMonitored: true });
    const built = dist === undefined ? undefined : resolve(dist, 'cli/main.js');
    const log = (name: string) => join(processes.folder, name);
    const outputFiles = [log('gateway.log')];
    const natsUrl = broker.url;
    const gateway = await startGateway(processes, 'gateway', {
      natsUrl,
      built,
      outputFile: log('gateway.log'),
    });
    const url = `${gateway.url}/functions/${FUNCTION}`;
    if (worker === 'bare') {
      const env = { NATS_URL: natsUrl, SUBJECT: `now.call.${FUNCTION}` };
      await startModule(processes, 'worker', 'programs/responder.mjs', env);
    } else {
      const args = ['worker', HANDLER, '--nats-url', natsUrl, ...flags];
      processes.program('worker', 'worker', { built, args, outputFile: log('worker.log') });
      outputFiles.push(log('worker.log'));
    }
    await gateway.process.until('answers', START_LIMIT_MS, async () => {
      const response = await fetch(url, { method: 'POST', body: '{}' });
      return response.ok || undefined;
    });
    return {
      url,
      messages: () => broker.messages(),
      outputFiles,
      versions: { 'nats-server': String(await broker.figure('version')) },
    };
  };
}
