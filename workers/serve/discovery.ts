import type { Bus, BusMessage, BusSubscription } from '../../lib/bus.ts';
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
import type { Intake } from './intake.ts';

/** ADR-32 asks for a semantic version; a function has none, so it is that of the wire it speaks. */
const SERVICE_VERSION = `${PROTOCOL_VERSION}.0.0`;
const NS_PER_MS = 1_000_000;

export interface DiscoveryOptions {
  worker: string;
  bus: Bus;
  subjects: Subjects;
  /** When the worker began to serve: Unix milliseconds. */
  startedWall: number;
  functions: readonly Intake[];
}

/** Answers the NATS services protocol for every function of a worker, so that `nats micro` lists them. */
export class Discovery {
  readonly #options: DiscoveryOptions;
  readonly #subscriptions: BusSubscription[] = [];

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  start(): void {
    const { bus, worker, functions } = this.#options;
    for (const verb of discoveryVerbs) {
      this.#subscriptions.push(
        bus.subscribe(discoverySubject(verb), (message) => {
          for (const intake of functions) this.#answer(verb, intake, message);
        }),
      );
      for (const intake of functions) {
        const onMessage = (message: BusMessage): void => this.#answer(verb, intake, message);
        this.#subscriptions.push(
          bus.subscribe(discoverySubject(verb, intake.fn.name), onMessage),
          bus.subscribe(discoverySubject(verb, intake.fn.name, worker), onMessage),
        );
      }
    }
  }

  stop(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  #answer(verb: DiscoveryVerb, intake: Intake, message: BusMessage): void {
    const { bus } = this.#options;
    if (message.reply === undefined || !bus.connected) return;
    bus.publish(message.reply, encodeJson(this.#response(verb, intake)));
  }

  #response(verb: DiscoveryVerb, intake: Intake): PingResponse | InfoResponse | StatsResponse {
    switch (verb) {
      case 'PING':
        return { type: 'io.nats.micro.v1.ping_response', ...this.#service(intake) };
      case 'INFO':
        return this.#info(intake);
      case 'STATS':
        return this.#stats(intake);
    }
  }

  #service({ fn }: Intake): Omit<PingResponse, 'type'> {
    const metadata = { protocol: PROTOCOL_VERSION };
    return { name: fn.name, id: this.#options.worker, version: SERVICE_VERSION, metadata };
  }

  #endpoint({ fn, group }: Intake): { name: string; subject: string; queue_group: string } {
    return { name: fn.name, subject: this.#options.subjects.call(fn.name), queue_group: group };
  }

  #info(intake: Intake): InfoResponse {
    const { description, slots, inputSchema, outputSchema } = intake.fn;
    const metadata: Record<string, string> = { protocol: PROTOCOL_VERSION, slots: String(slots) };
    if (inputSchema !== undefined) metadata.input = JSON.stringify(inputSchema);
    if (outputSchema !== undefined) metadata.output = JSON.stringify(outputSchema);
    return {
      type: 'io.nats.micro.v1.info_response',
      ...this.#service(intake),
      description: description ?? '',
      endpoints: [{ ...this.#endpoint(intake), metadata }],
    };
  }

  #stats(intake: Intake): StatsResponse {
    const { counts, state } = intake;
    const processingNs = Math.round(counts.workMs * NS_PER_MS);
    return {
      type: 'io.nats.micro.v1.stats_response',
      ...this.#service(intake),
      started: new Date(this.#options.startedWall).toISOString(),
      endpoints: [
        {
          ...this.#endpoint(intake),
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
