import { z } from 'zod';
import { functionName, token } from './subjects.ts';

/**
 * The NATS services protocol (ADR-32, "micro"): each function of a worker is a service of the function's name,
 * with one endpoint. Its subjects stand outside the prefix, because tools like `nats micro` ask there.
 */
const SERVICES = '$SRV';

export const discoveryVerbs = ['PING', 'INFO', 'STATS'] as const;
export type DiscoveryVerb = (typeof discoveryVerbs)[number];

/** Subjects on which every service answers a verb. */
export function discoverySubject(verb: DiscoveryVerb, name?: string, id?: string): string {
  return [SERVICES, verb, name, id].filter((part) => part !== undefined).join('.');
}

const metadata = z.record(z.string(), z.string());
const nanoseconds = z.int().min(0);
const count = z.int().min(0);

const service = {
  name: functionName,
  id: token,
  /** Semantic version of the program that runs the function. */
  version: z.string(),
  metadata,
};

export const pingResponseSchema = z.object({ type: z.literal('io.nats.micro.v1.ping_response'), ...service });
export type PingResponse = z.infer<typeof pingResponseSchema>;

const endpoint = { name: z.string(), subject: z.string(), queue_group: token };

export const infoResponseSchema = z.object({
  type: z.literal('io.nats.micro.v1.info_response'),
  ...service,
  description: z.string(),
  /** Metadata: `protocol`, `slots`, and the function's `input` and `output` JSON Schema, where it has them. */
  endpoints: z.array(z.object({ ...endpoint, metadata })),
});
export type InfoResponse = z.infer<typeof infoResponseSchema>;

/** What a worker adds to the endpoint's statistics. */
const endpointDataSchema = z.object({
  running: count,
  buffered: count,
  free: count,
  busy: count,
  expired: count,
  cancelled: count,
});

export const statsResponseSchema = z.object({
  type: z.literal('io.nats.micro.v1.stats_response'),
  ...service,
  /** RFC 3339, UTC. */
  started: z.string(),
  endpoints: z.array(
    z.object({
      ...endpoint,
      num_requests: count,
      num_errors: count,
      last_error: z.string(),
      processing_time: nanoseconds,
      average_processing_time: nanoseconds,
      data: endpointDataSchema,
    }),
  ),
});
export type StatsResponse = z.infer<typeof statsResponseSchema>;
