import { Histogram, type HistogramConfiguration, type MetricValueWithName } from 'prom-client';

/** A sample as prom-client keeps it inside: the labels that all samples of a series have are apart. */
interface Sample extends MetricValueWithName<string> {
  readonly sharedLabels: Readonly<Record<string, string>>;
}

/** One series of a histogram, kept as plain numbers: to observe costs a comparison or two. */
export class Series {
  readonly #limits: readonly number[];
  /** Observations up to each limit and above the one before; the last are those above all limits. */
  readonly #counts: number[];
  #sum = 0;

  /** `limits` ascend. */
  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.#counts = new Array<number>(limits.length + 1).fill(0);
  }

  /** All observations. */
  get count(): number {
    return this.#counts.reduce((sum, inBucket) => sum + inBucket, 0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#limits.length && value > (this.#limits[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  /** As Prometheus wants it: each bucket counts what is in the ones before it too. */
  samples(name: string, sharedLabels: Readonly<Record<string, string>>): Sample[] {
    const samples: Sample[] = [];
    let count = 0;
    for (const [index, inBucket] of this.#counts.entries()) {
      count += inBucket;
      const le = this.#limits[index] ?? '+Inf';
      samples.push({ labels: { le }, sharedLabels, value: count, metricName: `${name}_bucket` });
    }
    samples.push({ labels: {}, sharedLabels, value: this.#sum, metricName: `${name}_sum` });
    samples.push({ labels: {}, sharedLabels, value: count, metricName: `${name}_count` });
    return samples;
  }
}

/** What a series is called by. */
export type LabelledSeries = readonly [labels: Readonly<Record<string, string>>, series: Series];

/**
 * A histogram of prom-client whose series are kept elsewhere, as plain numbers, and collected when the registry is
 * asked: looking labels up for every call costs more than the rest of counting it. test/gateway/metrics.test.ts holds
 * it against prom-client's own.
 */
export class PlainHistogram extends Histogram<string> {
  readonly #configuration: HistogramConfiguration<string>;
  readonly #series: () => Iterable<LabelledSeries>;

  constructor(configuration: HistogramConfiguration<string>, series: () => Iterable<LabelledSeries>) {
    super(configuration);
    this.#configuration = configuration;
    this.#series = series;
  }

  /** What the registry and `get` of prom-client ask for. */
  async getForPromString(): Promise<object> {
    const { name, help } = this.#configuration;
    const values = [...this.#series()].flatMap(([labels, series]) => series.samples(name, labels));
    return { name, help, type: 'histogram', aggregator: 'sum', values };
  }
}
