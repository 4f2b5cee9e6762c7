import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { type App, baseApp, onlyMethods } from './routes/base.ts';
import { registerDocuments } from './routes/documents.ts';
import { FUNCTIONS_PATH } from './routes/function-call.ts';
import { type ReadinessSource, registerHealth } from './routes/health.ts';
import { registerMetrics } from './routes/metrics.ts';
import { registerProblems } from './routes/problems.ts';

/** What the public app needs. */
export interface AppOptions {
  readiness: ReadinessSource;
  log: Logger;
}

/** The public routes; `appServer` puts them on a port. */
export function createApp({ readiness, log }: AppOptions): App {
  const app = baseApp(log);
  // POST there is a call, which `appServer` hands to `FunctionCalls`.
  onlyMethods(app, `${FUNCTIONS_PATH}*`, ['POST']);
  registerHealth(app, readiness);
  registerDocuments(app);
  registerProblems(app);
  return app;
}

/** What the admin app needs. */
interface AdminAppOptions extends Pick<AppOptions, 'readiness' | 'log'> {
  metrics: Pick<Metrics, 'contentType' | 'text'>;
}

/** The routes of the admin server. */
export function createAdminApp({ readiness, log, metrics }: AdminAppOptions): App {
  const app = baseApp(log);
  registerHealth(app, readiness);
  registerMetrics(app, metrics);
  return app;
}
