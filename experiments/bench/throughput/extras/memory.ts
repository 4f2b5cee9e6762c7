import { fileURLToPath } from 'node:url';
import { connect } from 'nats';
import { demandSchema, stateSchema } from '../../../../protocol/state.ts';
import { withProcesses } from '../../../harness/bench-program.ts';
import { Broker } from '../../../harness/broker.ts';
import { startGateway } from '../../../harness/gateway.ts';
import { LoadProcess } from '../../../harness/http-load/start.ts';
import type { Processes } from '../../../harness/processes.ts';
import { until } from '../../../harness/until.ts';
import { startModule } from '../systems/modules.ts';
import { FUNCTION } from '../systems/system.ts';

/** Bytes of memory (RSS) that one more call of 256 bytes takes while it is held; its connection is part of it. */
interface HeldFigures {
  readonly gateway: number;
  readonly worker: number | undefined;
}

/** By what holds the call. */
export type HeldTable = Readonly<Record<'floor' | 'running' | 'parked', HeldFigures>>;

const HOLD = fileURLToPath(new URL('../programs/hold.mjs', import.meta.url));
const SUBJECT = 'floor.bench';
const FEW = 500;
const MANY = 4500;
const LIMIT_MS = 60_000;

/** What is to hold calls, and how to see how many it holds. */
interface Holder {
  readonly url: string;
  readonly held: () => number;
}

/** Holds some hundred calls, then some thousand, in the floor, in a worker and in the gateway's queue. */
export async function measureHeldCalls(): Promise<HeldTable> {
  return {
    floor: { ...(await slope(floor)), worker: undefined },
    running: await slope((processes, natsUrl) => ours(processes, natsUrl, [])),
    parked: {
      ...(await slope((processes, natsUrl) => ours(processes, natsUrl, ['--slots', '1']))),
      worker: undefined,
    },
  };
}

function slope(start: (processes: Processes, natsUrl: string) => Promise<Holder>): Promise<HeldFigures> {
  return withProcesses(async (processes) => {
    const { url: natsUrl } = await Broker.start(processes, process.env);
    const { url, held } = await start(processes, natsUrl);
    const hold = async (connections: number, total: number) => {
      const headers = { 'Request-Timeout': '30' };
      new LoadProcess(processes).begin({ url, connections, bodyBytes: 256, headers });
      // One may run while the others are parked.
      await until(`${total} calls are held`, LIMIT_MS, () => held() >= total - 1 || undefined);
      return processes.residentBytes();
    };
    const few = await hold(FEW, FEW);
    const many = await hold(MANY, FEW + MANY);
    const bytes = (role: 'gateway' | 'worker') => ((many.get(role) ?? 0) - (few.get(role) ?? 0)) / MANY;
    return { gateway: bytes('gateway'), worker: bytes('worker') };
  });
}

/** The floor before a subscriber that counts and does not answer. */
async function floor(processes: Processes, natsUrl: string): Promise<Holder> {
  let held = 0;
  const connection = await connect({ servers: natsUrl, reconnect: false });
  connection.subscribe(SUBJECT, {
    callback() {
      held++;
    },
  });
  await connection.flush();
  const port = await startModule(processes, 'gateway', 'programs/floor.mjs', { NATS_URL: natsUrl, SUBJECT });
  return { url: `http://127.0.0.1:${port}/functions/${FUNCTION}`, held: () => held };
}

/** The product: what its worker says that it runs, and its gateway that it parks. */
async function ours(processes: Processes, natsUrl: string, flags: readonly string[]): Promise<Holder> {
  let running = 0;
  let parked = 0;
  const connection = await connect({ servers: natsUrl, reconnect: false });
  connection.subscribe('now.state.*', {
    callback(_error, message) {
      running = stateSchema.parse(message.json()).functions[FUNCTION]?.running ?? running;
    },
  });
  connection.subscribe('now.demand.>', {
    callback(_error, message) {
      ({ parked } = demandSchema.parse(message.json()));
    },
  });
  await connection.flush();
  const { url } = await startGateway(processes, 'gateway', { natsUrl, flags: ['--no-early-refusal'] });
  processes.program('worker', 'worker', { args: ['worker', HOLD, '--nats-url', natsUrl, ...flags] });
  return { url: `${url}/functions/${FUNCTION}`, held: () => running + parked };
}
