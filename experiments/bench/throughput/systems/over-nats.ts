import { Broker } from '../../../harness/broker.ts';
import { installPeers } from './install-peers.ts';
import { startModule } from './modules.ts';
import { FUNCTION, type SystemStarter } from './system.ts';

const SUBJECT = 'floor.bench';

/** A gateway of `programs/` before a bare responder. */
export function bare(gateway: string): SystemStarter {
  return overNats({ gateway: `programs/${gateway}.mjs`, worker: 'programs/responder.mjs' });
}

/** A framework of `peers/`, gateway and worker; `packages` are named in the report. */
export function framework(name: string, packages: readonly string[]): SystemStarter {
  return async (processes) => {
    const versions = await installPeers(packages);
    const start = overNats({ gateway: `peers/${name}-gateway.mjs`, worker: `peers/${name}-worker.mjs` });
    const running = await start(processes);
    return { ...running, versions: { ...running.versions, ...versions } };
  };
}

function overNats({ gateway, worker }: { gateway: string; worker: string }): SystemStarter {
  return async (processes) => {
    const broker = await Broker.start(processes, process.env, { isMonitored: true });
    const env = { NATS_URL: broker.url, SUBJECT };
    await startModule(processes, 'worker', worker, env);
    const port = await startModule(processes, 'gateway', gateway, env);
    return {
      url: `http://127.0.0.1:${port}/functions/${FUNCTION}`,
      messages: () => broker.messages(),
      outputFiles: [],
      versions: { 'nats-server': String(await broker.figure('version')) },
    };
  };
}
