import { freePort } from '../../lib/free-port.ts';

/** Where a gateway shows its metrics, and the flags that it needs for that. */
export interface MetricsPort {
  readonly flags: readonly string[];
  /** As they are now, in the text format of Prometheus. */
  read(): Promise<string>;
}

/** Finds a port for the metrics of one gateway that is started later. */
export async function metricsPort(): Promise<MetricsPort> {
  const port = await freePort();
  return {
    flags: ['--admin-port', String(port)],
    async read() {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
      return response.text();
    },
  };
}

/** The sum of all samples of a metric, whatever their labels; 0 when it has none. */
export function metricOf(text: string, name: string): number {
  const samples = text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}
