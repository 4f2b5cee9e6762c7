import { CallError } from '../../protocol/call-error.ts';
import { type App, onlyMethods } from './base.ts';

/** Why this gateway should get no calls now; undefined when it should. */
export type Readiness = () => 'draining' | 'broker_unavailable' | undefined;

const why = {
  draining: 'this gateway is stopping',
  broker_unavailable: 'this gateway has lost its connection to NATS',
} as const;

/** `/healthz`: the process lives. `/readyz`: it can serve calls now. */
export function registerHealth(app: App, readiness: Readiness): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', (c) => {
    const reason = readiness();
    if (reason !== undefined) throw new CallError(reason, why[reason], { retryAfterS: 1 });
    return c.json({ status: 'ok' });
  });
  for (const path of ['/healthz', '/readyz']) onlyMethods(app, path, ['GET', 'HEAD']);
}
