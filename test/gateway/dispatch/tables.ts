import type { Endpoint } from '../../../gateway/dispatch/worker-entry.ts';
import type { WorkerTable } from '../../../gateway/dispatch/worker-table.ts';
import type { State } from '../../../protocol/state.ts';

/** What a worker of the function `f` reports. */
export interface Reported {
  group?: string;
  slots?: number;
  free?: number;
  serviceMs?: number;
  draining?: boolean;
}

export function state({
  group = 'workers',
  slots = 2,
  free = slots,
  serviceMs = 100,
  draining,
}: Reported = {}): State {
  const reported: State = {
    at: 0,
    functions: { f: { group, slots, free, running: slots - free, buffered: 0, serviceMs } },
  };
  return draining === undefined ? reported : { ...reported, draining };
}

/** The one worker of `f` in a group. */
export function only(table: WorkerTable, group = 'workers'): Endpoint {
  const [endpoint, ...more] = table.endpoints('f', group);
  if (endpoint === undefined || more.length > 0) throw new Error(`${more.length + 1} workers in ${group}`);
  return endpoint;
}
