import { setTimeout as pause } from 'node:timers/promises';
import { connect } from 'nats';
import { demandSchema } from '../../../protocol/state.ts';
import { Broker } from '../../harness/broker.ts';
import { startGateway } from '../../harness/gateway.ts';
import type { LoadFigures, RequestPlan } from '../../harness/http-load/plan.ts';
import { LoadProcess } from '../../harness/http-load/start.ts';
import type { Processes } from '../../harness/processes.ts';
import { until } from '../../harness/until.ts';
import type { Shape } from './shapes.ts';
import { FULL_FUNCTION, FUNCTION, type SimulatedSettings } from './workers/settings.ts';

/** How a run is done. Times in seconds. */
export interface RunOptions {
  readonly stateMs: number;
  /** Calls in flight. */
  readonly connections: number;
  /** A program that has just started runs code that is not compiled yet. */
  readonly warmUpCalls: number;
  /** Until all states are heard, and of load that is not counted. */
  readonly settle: number;
  readonly idle: number;
  readonly seconds: number;
}

/** What a run yields. Processor times are microseconds. */
export interface RunFigures {
  readonly figures: LoadFigures;
  /** Share of a core that the gateway takes while nobody calls. */
  readonly idleShare: number;
  /** Of the gateway for each call, without what it takes while nobody calls. */
  readonly gatewayUs: number;
  readonly brokerUs: number;
  /** NATS messages in and out for each call, without those while nobody calls. */
  readonly messagesPerCall: number;
  readonly gatewayBytes: number;
}

const SIMULATED = new URL('./workers/simulated.ts', import.meta.url);
const LIMIT_MS = 60_000;
const FLAGS = ['--max-in-flight', '30000', '--no-early-refusal', '--max-deadline-ms', '600000'];
/** The gateway serves so many of a connection at once. */
const PER_CONNECTION = 8;

/** Starts a system of a shape and measures it idle and under load. What it started ends with `processes`. */
export async function runShape(
  shape: Shape,
  { stateMs, connections, warmUpCalls, settle, idle, seconds }: RunOptions,
  processes: Processes,
): Promise<RunFigures> {
  const brokers = await startBrokers(processes, shape.brokers);
  const [first, last] = [brokers[0], brokers.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a shape has at least one broker');
  const gateway = await startGateway(processes, 'gateway', { natsUrl: first.url, flags: FLAGS });
  const { workers, groups, functions } = shape;
  const simulated: SimulatedSettings = { url: last.url, workers, groups, functions, stateMs };
  const env = { SIMULATED: JSON.stringify(simulated) };
  await processes.fork('worker', 'simulated workers', SIMULATED, { env }).message(LIMIT_MS);
  const url = `${gateway.url}/functions/${FUNCTION}`;
  await gateway.process.until('answers', LIMIT_MS, async () => {
    const response = await fetch(`${url}${functions - 1}`, { method: 'POST', body: '{}' });
    return response.ok || undefined;
  });
  const load = new LoadProcess(processes);
  await park(shape.parked, gateway.url, first.url, load);
  await pause(settle * 1000);

  const messages = async () => {
    const counts = await Promise.all(brokers.map((broker) => broker.messages()));
    return counts.reduce((total, count) => total + count, 0);
  };
  const request: RequestPlan = { url, paths: functions, bodyBytes: 256 };
  await load.warmUp({ ...request, connections }, warmUpCalls);
  const idlePart = await measured(processes, messages, () => pause(idle * 1000));
  load.begin({ ...request, connections });
  await pause(settle * 1000);
  await load.mark();
  const loaded = await measured(processes, messages, async () => {
    await pause(seconds * 1000);
    await load.measure();
  });
  const gatewayBytes = processes.residentBytes().get('gateway') ?? 0;
  const figures = await load.stop();
  const perCall = (figure: 'gatewayUs' | 'brokerUs' | 'messages') =>
    (loaded[figure] - (idlePart[figure] * loaded.ms) / idlePart.ms) / Math.max(1, figures.calls);
  return {
    ...{ figures, gatewayBytes },
    idleShare: idlePart.gatewayUs / (idlePart.ms * 1000),
    gatewayUs: perCall('gatewayUs'),
    brokerUs: perCall('brokerUs'),
    messagesPerCall: perCall('messages'),
  };
}

/** One server, or a cluster of several. */
async function startBrokers(processes: Processes, count: number): Promise<Broker[]> {
  const brokers: Broker[] = [];
  for (let i = 0; i < count; i++) {
    const seed = brokers[0]?.clusterPort;
    const routes = seed === undefined ? '' : `, routes: ["nats://127.0.0.1:${seed}"]`;
    const config = count === 1 ? '' : `cluster { name: scale, listen: "127.0.0.1:-1"${routes} }`;
    brokers.push(await Broker.start(processes, process.env, { isMonitored: true, config }));
  }
  return brokers;
}

/** Parks calls of a function whose worker has no free slot; resolves when the gateway says that it holds them. */
async function park(calls: number, gateway: string, natsUrl: string, load: LoadProcess): Promise<void> {
  if (calls === 0) return;
  const connection = await connect({ servers: natsUrl, reconnect: false });
  let parked = 0;
  connection.subscribe(`now.demand.${FULL_FUNCTION}.*`, {
    callback(_error, message) {
      ({ parked } = demandSchema.parse(message.json()));
    },
  });
  await connection.flush();
  const headers = { 'Request-Timeout': '600' };
  const url = `${gateway}/functions/${FULL_FUNCTION}`;
  load.hold({ url, headers, bodyBytes: 256, calls, perConnection: PER_CONNECTION });
  await until(`${calls} calls are parked`, LIMIT_MS, () => parked >= calls || undefined);
  await connection.close();
}

/** What is used while `meanwhile` goes on. */
async function measured(
  processes: Processes,
  messages: () => Promise<number>,
  meanwhile: () => Promise<unknown>,
): Promise<{ ms: number; gatewayUs: number; brokerUs: number; messages: number }> {
  const now = async () => {
    const used = processes.processorUs();
    const [gatewayUs, brokerUs] = [used.get('gateway') ?? 0, used.get('broker') ?? 0];
    return { ms: performance.now(), gatewayUs, brokerUs, messages: await messages() };
  };
  const from = await now();
  await meanwhile();
  const to = await now();
  return {
    ms: to.ms - from.ms,
    gatewayUs: to.gatewayUs - from.gatewayUs,
    brokerUs: to.brokerUs - from.brokerUs,
    messages: to.messages - from.messages,
  };
}
