import type { BusMessage } from '../../lib/bus.ts';
import { deferred } from '../../lib/deferred.ts';
import { readDefinition } from '../../workers/api/define.ts';
import {
  type Completion,
  failed,
  gaveUp,
  type Invocation,
  invalidInput,
} from '../../workers/run/completion.ts';
import { Worker } from '../../workers/serve/worker.ts';
import { silentLog } from '../support/log.ts';
import type { Host, HostHooks } from './host.ts';
import { FN, type Surroundings } from './parts.ts';
import type { WorkerPlan } from './scenario.ts';

/**
 * How much later than its deadline a call may begin. A worker learns how far a gateway's clock is from its own by
 * the fastest message of that gateway so far: by as much it takes every message for younger than it is. Before the
 * first one it knows only whether its own process was stopped, and that when it was longer than LAG_MS.
 */
const LAG_MS = 150;
/** Wall clocks are read in whole milliseconds, four times in an age, and the budget is sent as such. */
const ROUNDING_MS = 2.5;

/** A real worker whose handler does what the call's headers say and writes it to the ledger. */
export class ModelWorker {
  readonly id: string;
  readonly host: Host;
  readonly worker: Worker;
  readonly plan: WorkerPlan;
  isLeaving = false;
  isGone = false;
  readonly #world: Surroundings;
  /** By gateway: the least time that a message took to be handled. */
  readonly #fastest = new Map<string, number>();
  /** By call: the time that its message took without what it waited for a stopped process. */
  readonly #travelMs = new Map<string, number>();

  constructor(world: Surroundings, id: string, plan: WorkerPlan, makeHost: (hooks: HostHooks) => Host) {
    this.#world = world;
    this.id = id;
    this.plan = plan;
    this.host = makeHost({ onMessage: (message, heldMs) => this.#observe(message, heldMs) });
    const { bus, clock } = this.host;
    this.worker = new Worker({
      id,
      group: plan.group,
      functions: [readDefinition(() => undefined, { name: FN, slots: plan.slots })],
      bus,
      clock,
      log: silentLog,
      subjects: world.subjects,
      run: (_, invocation) => this.#run(invocation),
    });
    this.worker.start();
  }

  /** Drains and stops, as at SIGTERM. */
  async leave(): Promise<void> {
    if (this.isLeaving) return;
    this.isLeaving = true;
    await this.worker.drain();
    // A connection that breaks meanwhile is no failure: what was to be flushed is lost in any case.
    await this.worker.stop().catch(() => undefined);
    this.isGone = true;
    await this.host.bus.close();
  }

  #observe(message: BusMessage, heldMs: number): void {
    if (message.subject === this.#world.subjects.call(FN)) {
      this.#world.ledger.reached(new TextDecoder().decode(message.data), this.plan.group);
    }
    const sent = sentOf(message);
    const gateway = this.#world.gateways.find(({ id }) => id === sent?.gateway);
    if (sent === undefined || gateway === undefined) return;
    const tookMs = this.#world.clock.wall() - (sent.wall - gateway.host.wallOffsetMs);
    this.#fastest.set(sent.gateway, Math.min(tookMs, this.#fastest.get(sent.gateway) ?? tookMs));
    if (sent.callId !== undefined) this.#travelMs.set(sent.callId, tookMs - heldMs);
  }

  #run({ callId, headers, body, deadlineAt }: Invocation) {
    const { clock } = this.host;
    const { ledger } = this.#world;
    const ends = headers['x-fn-ends'];
    if (ends === 'invalid' && this.plan.group === 'a') {
      return { done: Promise.resolve(invalidInput([], 1000)), cancel: () => undefined };
    }
    const id = new TextDecoder().decode(body);
    const fastestMs = this.#fastest.get(headers['now-gateway'] ?? '') ?? 0;
    const unknownMs = (this.#travelMs.get(callId) ?? 0) + LAG_MS;
    const run = ledger.begin(id, this.id, this.plan.group, Math.min(fastestMs, unknownMs) + ROUNDING_MS);
    const { promise: done, resolve: finish } = deferred<Completion>();
    const end = (completion: Completion): void => {
      run.endAt ??= this.#world.clock.now();
      for (const cancel of timers) cancel();
      finish(completion);
    };
    const result: Completion =
      ends === 'error'
        ? failed('handler_error', 500, 'the function failed')
        : { outcome: 'ok', status: 200, headers: [], body };
    const timers = [
      clock.after(Number(headers['x-fn-work']) * this.plan.pace, () => end(result)),
      clock.after(deadlineAt - clock.now(), () => ends !== 'stubborn' && end(gaveUp('deadline'))),
    ];
    const cancel = (): void => {
      if (ends !== 'stubborn') end(gaveUp('cancelled'));
    };
    return { done, cancel };
  }
}

/** Which gateway sent a message, and when by its wall clock. */
function sentOf(message: BusMessage): { gateway: string; wall: number; callId?: string } | undefined {
  const headers = message.headers() ?? {};
  const { 'now-gateway': gateway, 'now-call': callId } = headers;
  if (gateway !== undefined && callId !== undefined) {
    const timeoutMs = Number(headers['now-timeout']);
    // A probe is refused unread: nothing is learned from it.
    if (timeoutMs === 0) return undefined;
    return { gateway, callId, wall: Number(headers['now-deadline']) - timeoutMs };
  }
  if (!/\.(hello|demand)(\.|$)/.test(message.subject)) return undefined;
  const { gateway: from, at }: { gateway: string; at: number } = JSON.parse(
    new TextDecoder().decode(message.data),
  );
  return { gateway: from, wall: at };
}
