import { type PolicyName, policies } from '../simulate-policies.ts';
import { haproxy } from './haproxy.ts';
import { ours } from './ours.ts';
import { plain } from './plain.ts';
import { rabbitmq } from './rabbitmq.ts';
import type { SystemStarter } from './system.ts';

/** Systems of real processes. */
const real: Readonly<Record<string, SystemStarter>> = {
  plain: plain({}),
  'plain-skip': plain({ skipsStale: true }),
  'plain-highwater': plain({ skipsStale: true, leavesAtHighWater: true }),
  ours,
  rabbitmq,
  haproxy: haproxy('each'),
  'haproxy-shared': haproxy('shared'),
};

/** What each system is called in tables, in their order. */
export const titles: Readonly<Record<string, string>> = {
  omniscient: 'knows all sizes (simulated)',
  alifo: 'aLIFO (simulated)',
  'alifo-abort': 'aLIFO that aborts (simulated)',
  fifo: 'FIFO (simulated)',
  plain: 'plain queue group',
  'plain-skip': '+ skip stale',
  'plain-highwater': '+ unsubscribe at high water',
  ours: '**now-or-never**',
  rabbitmq: 'RabbitMQ prefetch 1 + TTL',
  haproxy: 'HAProxy maxconn + queue',
  'haproxy-shared': 'one HAProxy for all',
};

/** Names of all systems, in the order of the report. */
export const systemNames: readonly string[] = Object.keys(titles);

/** A system of real processes by its name; undefined for a simulated one. */
export function realSystem(name: string): SystemStarter | undefined {
  return Object.hasOwn(real, name) ? real[name] : undefined;
}

/** Whether a name is that of a simulated system. */
export function isSimulated(name: string): name is PolicyName {
  return Object.hasOwn(policies, name);
}
