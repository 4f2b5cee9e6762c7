import type { Readiness } from '../readiness.ts';
import { type App, onlyMethods } from './base.ts';

/** `/healthz`: the process is alive. `/readyz`: it should get calls now. */
export function registerHealth(app: App, readiness: Pick<Readiness, 'refusal'>): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const refusal = readiness.refusal();
    if (refusal !== undefined) throw refusal;
    return c.json({ status: 'ok' });
  });
  for (const path of ['/healthz', '/readyz']) onlyMethods(app, path, ['GET', 'HEAD']);
}
