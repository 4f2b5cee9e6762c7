import type { Logger } from 'pino';
import { type App, baseApp } from './routes/base.ts';
import { registerDocuments } from './routes/documents.ts';
import { type FunctionRouteOptions, registerFunctions } from './routes/functions.ts';
import { type Readiness, registerHealth } from './routes/health.ts';
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

/** The routes of the admin listener. */
export function createAdminApp({ readiness, log }: Pick<AppOptions, 'readiness' | 'log'>): App {
  const app = baseApp(log);
  registerHealth(app, readiness);
  return app;
}
