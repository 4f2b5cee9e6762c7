import { readFileSync } from 'node:fs';

/** Limits of one server. Times in milliseconds, sizes in bytes. */
export interface ServerLimits {
  /** From the first byte of a request, or from the connection, to the end of its head. Default 5000. */
  headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body. Default 10000. */
  requestTimeoutMs: number;
  /** How often the two limits above and `answerTimeoutMs` are checked. Default 1000. */
  connectionsCheckingIntervalMs: number;
  /** How long a connection may be idle between two requests. Default 65000: longer than load balancers wait. */
  keepAliveTimeoutMs: number;
  /** A caller that has not read an answer after this time is disconnected. Default 15000. */
  answerTimeoutMs: number;
  /** How long a caller may take to read the last answer and close, after we have closed. Default 750. */
  lingerMs: number;
  /** How much a caller may send in that time. Default 64 MiB. */
  lingerBytes: number;
  /** How long a drain keeps idle connections open for a request in transit. Default 200. */
  drainIdleMs: number;
  /** Target, header names and header values together. Default 16 KiB. */
  maxHeaderBytes: number;
  /** Header lines of a request. Default 100. */
  maxHeaders: number;
  /** The request target. Default 8 KiB. */
  maxTargetBytes: number;
  /** Open connections; more are closed as they come. Default: just under half of the descriptor limit. */
  maxConnections: number;
  /** Requests of one connection that run at once. Default 16. */
  pipelined: number;
  /** Requests of all connections that wait behind those. Default 10000. */
  maxHeld: number;
  /** The largest body that `Expect: 100-continue` may announce; asked each time. Default: no limit. */
  maxBodyBytes: () => number;
}

/** The defaults above, replaced by `own` where it has a value. */
export function serverLimits(own: Partial<ServerLimits> = {}): ServerLimits {
  return {
    headersTimeoutMs: 5000,
    requestTimeoutMs: 10_000,
    connectionsCheckingIntervalMs: 1000,
    keepAliveTimeoutMs: 65_000,
    answerTimeoutMs: 15_000,
    lingerMs: 750,
    lingerBytes: 64 * 1024 * 1024,
    drainIdleMs: 200,
    maxHeaderBytes: 16 * 1024,
    maxHeaders: 100,
    maxTargetBytes: 8 * 1024,
    maxConnections: own.maxConnections ?? Math.max(16, Math.floor(descriptorLimit() / 2) - 16),
    pipelined: 16,
    maxHeld: 10_000,
    maxBodyBytes: () => Number.POSITIVE_INFINITY,
    ...own,
  };
}

/** How many descriptors this process may open (`ulimit -n`); 1024 where the system does not say. */
export function descriptorLimit(): number {
  try {
    const soft = /^Max open files +(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    if (soft === undefined) return 1024;
    return soft === 'unlimited' ? 1_048_576 : Number(soft);
  } catch {
    return 1024;
  }
}
