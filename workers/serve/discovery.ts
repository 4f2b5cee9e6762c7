import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
import type { Clock } from '../../lib/clock.ts';
import {
  type DiscoveryVerb,
  discoverySubject,
  discoveryVerbs,
  type InfoResponse,
  type PingResponse,
  type StatsResponse,
} from '../../protocol/discovery.ts';
import { encodeJson } from '../../protocol/json.ts';
import type { Subjects } from '../../protocol/subjects.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import type { FunctionServer } from './function-server.ts';

/** ADR-32 asks for a semantic version; a function has none, so it is that of the wire it speaks. */
const SERVICE_VERSION = `${PROTOCOL_VERSION}.0.0`;
const NS_PER_MS = 1_000_000;

/** What discovery tells of. */
export interface DiscoveryOptions {
  readonly worker: string;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly subjects: Subjects;
  readonly functions: readonly ServedFunction[];
}

/** What discovery reads of a function. */
export type ServedFunction = Pick<FunctionServer, 'fn' | 'group' | 'state' | 'counts'>;

/** Answers the NATS services protocol for every function of a worker, so that `nats micro` lists them. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #subscriptions: BusSubscription[] = [];
  /** When the worker began to serve: Unix milliseconds. */
  #startedWall = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, worker, clock, functions } = this.#options;
    this.#startedWall = clock.wall();
    for (const verb of discoveryVerbs) {
      this.#subscriptions.push(
        bus.subscribe(discoverySubject(verb), (message) => {
          for (const served of functions) this.#answer(verb, served, message);
        }),
      );
      for (const served of functions) {
        const onMessage = (message: BusMessage): void => this.#answer(verb, served, message);
        this.#subscriptions.push(
          bus.subscribe(discoverySubject(verb, served.fn.name), onMessage),
          bus.subscribe(discoverySubject(verb, served.fn.name, worker), onMessage),
        );
      }
    }
  }

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  #answer(verb: DiscoveryVerb, served: ServedFunction, message: BusMessage): void {
    const { bus } = this.#options;
    if (message.reply === undefined || !bus.connected) return;
    bus.publish(message.reply, encodeJson(this.#response(verb, served)));
  }

  #response(verb: DiscoveryVerb, served: ServedFunction): PingResponse | InfoResponse | StatsResponse {
    switch (verb) {
      case 'PING':
        return { type: 'io.nats.micro.v1.ping_response', ...this.#service(served) };
      case 'INFO':
        return this.#info(served);
      case 'STATS':
        return this.#stats(served);
    }
  }

  #service({ fn }: ServedFunction): Omit<PingResponse, 'type'> {
    const metadata = { protocol: PROTOCOL_VERSION };
    return { name: fn.name, id: this.#options.worker, version: SERVICE_VERSION, metadata };
  }

  #endpoint({ fn, group }: ServedFunction): { name: string; subject: string; queue_group: string } {
    return { name: fn.name, subject: this.#options.subjects.call(fn.name), queue_group: group };
  }

  #info(served: ServedFunction): InfoResponse {
    const { description, slots, inputSchema, outputSchema } = served.fn;
    const metadata: Record<string, string> = { protocol: PROTOCOL_VERSION, slots: String(slots) };
    if (inputSchema !== undefined) metadata.input = JSON.stringify(inputSchema);
    if (outputSchema !== undefined) metadata.output = JSON.stringify(outputSchema);
    return {
      type: 'io.nats.micro.v1.info_response',
      ...this.#service(served),
      description: description ?? '',
      endpoints: [{ ...this.#endpoint(served), metadata }],
    };
  }

  #stats(served: ServedFunction): StatsResponse {
    const { counts, state } = served;
    const processingNs = Math.round(counts.workMs * NS_PER_MS);
    return {
      type: 'io.nats.micro.v1.stats_response',
      ...this.#service(served),
      started: new Date(this.#startedWall).toISOString(),
      endpoints: [
        {
          ...this.#endpoint(served),
          num_requests: counts.requests,
          num_errors: counts.errors,
          last_error: counts.lastError,
          processing_time: processingNs,
          average_processing_time: counts.requests === 0 ? 0 : Math.round(processingNs / counts.requests),
          data: {
            running: state.running,
            buffered: state.buffered,
            free: state.free,
            busy: counts.busy,
            expired: counts.expired,
            cancelled: counts.cancelled,
          },
        },
      ],
    };
  }
}
