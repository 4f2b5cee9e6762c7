import type { Logger } from 'pino';
import type { Metrics } from './metrics.ts';
import { type App, baseApp } from './routes/base.ts';
import { registerDocuments } from './routes/documents.ts';
import { type FunctionRouteOptions, registerFunctions } from './routes/functions.ts';
import { type Readiness, registerHealth } from './routes/health.ts';
import { registerMetrics } from './routes/metrics.ts';
import { registerProblems } from './routes/problems.ts';

export interface AppOptions {
  functions: FunctionRouteOptions;
  readiness: Readiness;
  log: Logger;
}

/** The public routes, without a socket: `app.request()` answers as the server would. */
export function createApp({ functions, readiness, log }: AppOptions): App {
  const app = baseApp(log);
  registerFunctions(app, functions);
  registerHealth(app, readiness);
  registerDocuments(app);
  registerProblems(app);
  return app;
}

export interface AdminAppOptions extends Pick<AppOptions, 'readiness' | 'log'> {
  metrics: Pick<Metrics, 'contentType' | 'text'>;
}

/** The routes of the admin listener. */
export function createAdminApp({ readiness, log, metrics }: AdminAppOptions): App {
  const app = baseApp(log);
  registerHealth(app, readiness);
  registerMetrics(app, metrics);
  return app;
}
