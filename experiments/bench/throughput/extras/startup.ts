import { fileURLToPath } from 'node:url';
import { connect } from 'nats';
import { withProcesses } from '../../../harness/bench-program.ts';
import { Broker } from '../../../harness/broker.ts';
import { startGateway } from '../../../harness/gateway.ts';
import type { Processes } from '../../../harness/processes.ts';
import { median, sum } from '../../../harness/statistics.ts';
import { START_LIMIT_MS } from '../systems/system.ts';

/** What a start takes until the program serves, in milliseconds: medians. */
interface StartFigures {
  readonly wallMs: number;
  /** Processor time of all that it starts. */
  readonly processorMs: number;
}

/** By command. */
export type StartTable = Readonly<Record<'gateway' | 'worker' | 'dev', StartFigures>>;

const HANDLER = fileURLToPath(new URL('../programs/handler.mjs', import.meta.url));
const STARTS = 5;

/** Starts each command of the built program a few times; the broker runs already, but for `dev`. */
export async function measureStarts(): Promise<StartTable> {
  const starts = { gateway: [], worker: [], dev: [] } as Record<keyof StartTable, StartFigures[]>;
  for (let i = 0; i < STARTS; i++) {
    starts.gateway.push(await withBroker(startedGateway));
    starts.worker.push(await withBroker(startedWorker));
    starts.dev.push(await withProcesses((processes) => timed(processes, startedDev(processes))));
  }
  return {
    gateway: medians(starts.gateway),
    worker: medians(starts.worker),
    dev: medians(starts.dev),
  };
}

type Start = () => Promise<unknown>;

function withBroker(prepare: (processes: Processes, natsUrl: string) => Promise<Start>) {
  return withProcesses(async (processes) => {
    const { url } = await Broker.start(processes, process.env);
    return timed(processes, await prepare(processes, url));
  });
}

async function timed(processes: Processes, start: Start): Promise<StartFigures> {
  const usedUs = () => {
    const used = processes.processorUs();
    used.delete('broker');
    return sum(used.values());
  };
  const from = performance.now();
  await start();
  return { wallMs: performance.now() - from, processorMs: usedUs() / 1000 };
}

async function startedGateway(processes: Processes, natsUrl: string): Promise<Start> {
  return () => startGateway(processes, 'gateway', { natsUrl });
}

/** It serves when it tells its state. */
async function startedWorker(processes: Processes, natsUrl: string): Promise<Start> {
  const connection = await connect({ servers: natsUrl, reconnect: false });
  const state = new Promise<void>((resolve) => {
    connection.subscribe('now.state.*', { callback: () => resolve() });
  });
  await connection.flush();
  return async () => {
    processes.program('worker', 'worker', { args: ['worker', HANDLER, '--nats-url', natsUrl] });
    await state;
    await connection.close();
  };
}

/** Its gateway listens last. */
function startedDev(processes: Processes): Start {
  return async () => {
    const args = ['dev', HANDLER, '--host', '127.0.0.1', '--port', '0', '--admin-port', '0'];
    const { NATS_SERVER_BIN } = process.env;
    const dev = processes.program('observer', 'dev', { args, env: { NATS_SERVER_BIN } });
    await dev.message(START_LIMIT_MS);
  };
}

function medians(figures: readonly StartFigures[]): StartFigures {
  const middle = (of: (one: StartFigures) => number) => median(figures.map(of)) ?? Number.NaN;
  return {
    wallMs: middle(({ wallMs }) => wallMs),
    processorMs: middle(({ processorMs }) => processorMs),
  };
}
