import type { Metrics } from '../metrics.ts';
import { type App, onlyMethods } from './base.ts';

/** `/metrics`: what the gateway counts, for Prometheus to scrape. */
export function registerMetrics(app: App, metrics: Pick<Metrics, 'contentType' | 'text'>): void {
  app.get('/metrics', async (c) =>
    c.body(await metrics.text(), 200, { 'Content-Type': metrics.contentType }),
  );
  onlyMethods(app, '/metrics', ['GET', 'HEAD']);
}
