import type { CallError } from '../../protocol/call-error.ts';
import { type App, onlyMethods } from './base.ts';

/** Why this gateway should get no calls now; undefined when it should. */
export type Readiness = () => CallError | undefined;

/** `/healthz`: the process lives. `/readyz`: it can serve calls now. */
export function registerHealth(app: App, readiness: Readiness): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const reason = readiness();
    if (reason !== undefined) throw reason;
    return c.json({ status: 'ok' });
  });
  for (const path of ['/healthz', '/readyz']) onlyMethods(app, path, ['GET', 'HEAD']);
}
