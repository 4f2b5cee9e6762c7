import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Bus } from '../lib/bus.ts';
import type { Clock } from '../lib/clock.ts';
import { CallError } from '../protocol/call-error.ts';
import type { Started } from '../protocol/codes.ts';
import { CallNumbers, SECONDS } from './call-numbers.ts';
import type { CallOutcome } from './dispatch/contract.ts';
import type { Dispatcher } from './dispatch/dispatcher.ts';
import { PlainHistogram } from './plain-histogram.ts';

/** What the metrics are read from. */
interface MetricsOptions {
  readonly dispatch: Pick<Dispatcher, 'workers' | 'queues' | 'pending' | 'lateReplies'>;
  readonly bus: Bus;
  readonly clock: Clock;
}

/** Callers can send any name: only functions that somebody serves become a label, and at most this many. */
const MAX_FUNCTIONS = 1000;
/** Interval of the timer that measures the event loop: it must not load the loop itself. */
const LOOP_PRECISION_MS = 100;

/** What the live workers of a function and group reported, summed. */
interface GroupCounts {
  workers: number;
  slots: number;
  free: number;
  running: number;
  buffered: number;
}

const NOTHING: Readonly<GroupCounts> = { workers: 0, slots: 0, free: 0, running: 0, buffered: 0 };

const GROUP_GAUGES: readonly { name: string; count: keyof GroupCounts; help: string }[] = [
  { name: 'workers', count: 'workers', help: 'Worker processes last seen at most 1.5 seconds ago.' },
  { name: 'worker_slots', count: 'slots', help: 'Calls that the workers can run at a time.' },
  { name: 'worker_slots_free', count: 'free', help: 'Free slots of the workers.' },
  { name: 'worker_running_calls', count: 'running', help: 'Calls that run in the workers.' },
  {
    name: 'worker_buffered_calls',
    count: 'buffered',
    help: 'Calls that wait in the workers: of plain NATS requesters, and prefetched ones of fast functions.',
  },
];

/**
 * What a gateway counts, in the text format of Prometheus. Names and units follow
 * https://prometheus.io/docs/practices/naming/: seconds, `_total` for what only grows.
 *
 * Two kinds: what this gateway did (calls, durations, parked), which is summed over gateways; and what the workers
 * reported to all gateways alike (`now_or_never_worker…`), which is not.
 */
export class Metrics {
  readonly #options: MetricsOptions;
  readonly #registry = new Registry();
  /** Functions that are a label, with their numbers. */
  readonly #functions = new Map<string, CallNumbers>();
  readonly #unnamed = new CallNumbers();

  constructor(options: MetricsOptions) {
    this.#options = options;
    const registers = [this.#registry];
    this.#observeCalls(registers);
    this.#observeDispatch(registers);
    this.#observeWorkers(registers);
  }

  /** Adds prom-client's metrics of the process: processor, memory, event loop, garbage collection. Once a process. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: LOOP_PRECISION_MS });
  }

  /** Counts a call that has ended. `fn` is undefined when its name was not valid. */
  ended(fn: string | undefined, outcome: CallOutcome, elapsedMs: number): void {
    const isFailure = outcome instanceof CallError;
    const numbers = this.#numbersOf(fn, isFailure ? outcome.started : 'yes');
    if (isFailure) numbers.failed(outcome.code, outcome.started, elapsedMs);
    else numbers.answered(elapsedMs, outcome.queueMs);
  }

  /** The content type of `text`. */
  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics as of now. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** All metrics as of now, as prom-client merges those of several processes. */
  samples(): Promise<object[]> {
    return this.#registry.getMetricsAsJSON();
  }

  #numbersOf(fn: string | undefined, started: Started): CallNumbers {
    if (fn === undefined) return this.#unnamed;
    let numbers = this.#functions.get(fn);
    if (numbers !== undefined) return numbers;
    // `unknown` proves nothing: a caller that leaves at once causes it for any name.
    const isServed = started === 'yes' || this.#options.dispatch.workers.serves(fn);
    if (!isServed || this.#functions.size >= MAX_FUNCTIONS) return this.#unnamed;
    numbers = new CallNumbers();
    this.#functions.set(fn, numbers);
    return numbers;
  }

  /** Of every function that is a label, and of all others together under the empty name. */
  #numbers(): [fn: string, numbers: CallNumbers][] {
    return [['', this.#unnamed], ...this.#functions];
  }

  #observeCalls(registers: Registry[]): void {
    const all = () => this.#numbers();
    new Counter({
      name: 'now_or_never_calls_total',
      help: 'Calls by outcome: code is ok or the code of the problem. function is empty if nobody serves it.',
      labelNames: ['function', 'code', 'started'],
      registers,
      collect() {
        this.reset();
        for (const [fn, { counts }] of all()) {
          for (const { code, started, count } of counts) this.inc({ function: fn, code, started }, count);
        }
      },
    });
    new PlainHistogram(
      {
        name: 'now_or_never_call_duration_seconds',
        help: 'Time from the head of the request to its answer; result is answered or failed.',
        labelNames: ['function', 'result'],
        buckets: SECONDS,
        registers,
      },
      () => all().flatMap(([fn, numbers]) => numbers.durations(fn)),
    );
    new PlainHistogram(
      {
        name: 'now_or_never_call_queue_seconds',
        help: 'How long answered calls waited for a slot, at the gateway and in the worker.',
        labelNames: ['function'],
        buckets: SECONDS,
        registers,
      },
      () => all().flatMap(([fn, numbers]) => numbers.waits(fn)),
    );
  }

  #observeDispatch(registers: Registry[]): void {
    const { dispatch, bus } = this.#options;
    new Gauge({
      name: 'now_or_never_pending_calls',
      help: 'Calls not answered yet, or not yet delivered to every group.',
      registers,
      collect() {
        this.set(dispatch.pending);
      },
    });
    new Gauge({
      name: 'now_or_never_parked_calls',
      help: 'Calls that wait in this gateway for a slot.',
      labelNames: ['function', 'group'],
      registers,
      collect() {
        this.reset();
        for (const { fn, group, size } of dispatch.queues()) this.set({ function: fn, group }, size);
      },
    });
    new Counter({
      name: 'now_or_never_late_replies_total',
      help: 'Replies that came after the caller had its answer or had left: from another group, or after the deadline.',
      registers,
      collect() {
        this.reset();
        this.inc(dispatch.lateReplies);
      },
    });
    new Gauge({
      name: 'now_or_never_nats_connected',
      help: '1 while the gateway is connected to NATS, else 0.',
      // Of several processes: 0 as long as one of them is not.
      aggregator: 'min',
      registers,
      collect() {
        this.set(bus.connected ? 1 : 0);
      },
    });
  }

  #observeWorkers(registers: Registry[]): void {
    const counts = () => this.#groupCounts();
    for (const { name, count, help } of GROUP_GAUGES) {
      new Gauge({
        name: `now_or_never_${name}`,
        help,
        labelNames: ['function', 'group'],
        // Workers tell all processes of a gateway the same.
        aggregator: 'max',
        registers,
        collect() {
          this.reset();
          for (const { fn, group, count: sums } of counts()) this.set({ function: fn, group }, sums[count]);
        },
      });
    }
  }

  #groupCounts(): Iterable<{ fn: string; group: string; count: GroupCounts }> {
    const { dispatch, clock } = this.#options;
    const groups = new Map<string, { fn: string; group: string; count: GroupCounts }>();
    for (const worker of dispatch.workers.workers()) {
      const isHeard = !worker.isSilent(clock.now());
      for (const { fn, group, slots, free, running, buffered } of worker.endpoints.values()) {
        const key = `${fn}.${group}`;
        const known = groups.get(key) ?? { fn, group, count: { ...NOTHING } };
        groups.set(key, known);
        // Those of a silent worker stay, with 0: a group whose last worker froze must not vanish.
        if (isHeard) add(known.count, { workers: 1, slots, free, running, buffered });
      }
    }
    return groups.values();
  }
}

function add(sum: GroupCounts, more: GroupCounts): void {
  sum.workers += more.workers;
  sum.slots += more.slots;
  sum.free += more.free;
  sum.running += more.running;
  sum.buffered += more.buffered;
}
