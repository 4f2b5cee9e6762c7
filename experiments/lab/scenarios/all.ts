import type { Scenario } from '../scenario.ts';
import { noConsumers } from './01-no-consumers.ts';
import { overload } from './02-overload.ts';
import { lateWorker } from './03-late-worker.ts';
import { counts } from './04-counts.ts';
import { stoppedWorker } from './05-stopped-worker.ts';
import { slowAndFastScenario } from './06-slow-and-fast.ts';
import { bufferLimit } from './07-buffer-limit.ts';
import { highWater } from './08-high-water.ts';
import { twoGroups } from './09-two-groups.ts';
import { gateways } from './10-gateways.ts';
import { brokerScenario } from './11-broker.ts';
import { workerEnds } from './12-worker-ends.ts';
import { gatewayEnds } from './13-gateway-ends.ts';

/** All experiments, in the order of the notebook. */
export const SCENARIOS: readonly Scenario[] = [
  noConsumers,
  overload,
  lateWorker,
  counts,
  stoppedWorker,
  slowAndFastScenario,
  bufferLimit,
  highWater,
  twoGroups,
  gateways,
  brokerScenario,
  workerEnds,
  gatewayEnds,
];

/** The scenarios with these ids, each once, in the order of the notebook; all of them for no ids. */
export function selectScenarios(ids: readonly string[]): readonly Scenario[] {
  return ids.length === 0 ? SCENARIOS : SCENARIOS.filter(({ id }) => ids.includes(id));
}
