import { AggregatorRegistry, Registry } from 'prom-client';
import { z } from 'zod';

const metricSchema = z.object({
  name: z.string(),
  help: z.string(),
  type: z.enum(['counter', 'gauge', 'histogram', 'summary']),
  aggregator: z.enum(['sum', 'first', 'omit', 'average', 'min', 'max']),
  values: z.array(
    z.object({
      // JSON has no NaN, which is the mean of nothing.
      value: z.number().nullable(),
      labels: z.record(z.string(), z.union([z.string(), z.number()])),
      metricName: z.string().optional(),
    }),
  ),
});
/** A metric of one process, as prom-client tells it. */
type Metric = z.infer<typeof metricSchema>;

/** One of the processes, as far as it is asked. */
interface Source {
  /** undefined when it does not answer in time. */
  ask(question: 'metrics', limitMs: number): Promise<unknown>;
}

/** A process that does not answer for so long is counted as it was when it last did. */
const ANSWER_LIMIT_MS = 1000;

/**
 * The metrics of several processes, merged by prom-client as each metric says: what a gateway did is summed. What only
 * grows still does so when processes come and go, since what those did that have ended is kept: of a process that was
 * killed as of the last time it was asked.
 */
export class MetricsSum {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #sources: () => Iterable<Source>;
  readonly #latest = new Map<Source, Metric[]>();
  /** Counters and histograms of the processes that have ended. */
  #ended: Metric[] = [];

  constructor(sources: () => Iterable<Source>) {
    this.#sources = sources;
  }

  /** All metrics as of now, in the text format of Prometheus. */
  async text(): Promise<string> {
    await Promise.all([...this.#sources()].map((source) => this.#ask(source)));
    const processes: Metric = {
      name: 'now_or_never_gateway_processes',
      help: 'Processes of this gateway whose metrics these are.',
      type: 'gauge',
      aggregator: 'sum',
      values: [{ value: this.#latest.size, labels: {} }],
    };
    return merge([...this.#latest.values(), this.#ended, [processes]]).metrics();
  }

  /** A process has ended; `last` are its metrics when it did, if it could tell. */
  end(source: Source, last: unknown): void {
    const own = read(last) ?? this.#latest.get(source) ?? [];
    this.#latest.delete(source);
    const growing = own.filter(({ type }) => type === 'counter' || type === 'histogram');
    this.#ended = read(merge([this.#ended, growing]).getMetricsAsArray()) ?? [];
  }

  async #ask(source: Source): Promise<void> {
    const metrics = read(await source.ask('metrics', ANSWER_LIMIT_MS));
    // It may have ended meanwhile.
    const isThere = [...this.#sources()].includes(source);
    if (metrics !== undefined && isThere) this.#latest.set(source, metrics);
  }
}

function read(answer: unknown): Metric[] | undefined {
  return z.array(metricSchema).safeParse(answer).data;
}

function merge(processes: readonly Metric[][]): Registry {
  const known = processes.map((metrics) =>
    metrics.map((metric) => ({ ...metric, values: metric.values.filter(({ value }) => value !== null) })),
  );
  return AggregatorRegistry.aggregate(known);
}
