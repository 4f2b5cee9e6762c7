import type { CallError } from '../../protocol/call-error.ts';
import { type App, onlyMethods } from './base.ts';

/** Why a gateway should get no calls now; undefined when it should. */
export interface ReadinessSource {
  refusal(): CallError | undefined | Promise<CallError | undefined>;
}

/** `/healthz`: the process is alive. `/readyz`: it should get calls now. */
export function registerHealth(app: App, readiness: ReadinessSource): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const refusal = await readiness.refusal();
    if (refusal !== undefined) throw refusal;
    return c.json({ status: 'ok' });
  });
  for (const path of ['/healthz', '/readyz']) onlyMethods(app, path, ['GET', 'HEAD']);
}
