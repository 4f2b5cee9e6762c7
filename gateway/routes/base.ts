import { Hono } from 'hono';
import type { Logger } from 'pino';
import { CallError } from '../../protocol/call-error.ts';
import { problemResponse } from '../http/problem.ts';
import type { HttpRequest } from '../http/request.ts';

/** What an app is called with besides Hono's own request. */
interface AppEnv {
  Bindings: { request: HttpRequest };
}

/** A Hono app of this gateway. */
export type App = Hono<AppEnv>;

/** An app without routes. It routes by the path as it was sent, and all its failures are problem documents. */
export function baseApp(log: Logger): App {
  const app = new Hono<AppEnv>({
    getPath(_request, options) {
      if (options?.env === undefined) throw new Error('the app was called without its request');
      return options.env.request.path;
    },
  });
  app.notFound((c) => {
    const error = new CallError('not_found', `no route for ${c.req.method} ${c.req.path.slice(0, 200)}`);
    return problemResponse(error, { requestId: c.env.request.id });
  });
  app.onError((thrown, c) => {
    const error = CallError.from(thrown);
    const requestId = c.env.request.id;
    if (error.code === 'internal_error') {
      log.error({ requestId, path: c.req.path, err: error.cause }, 'the route failed');
    }
    return problemResponse(error, { requestId });
  });
  return app;
}

/** Answers every other method at this path with 405 and the allowed ones. Register it after them. */
export function onlyMethods(app: App, path: string, allowed: readonly string[]): void {
  app.all(path, (c) => {
    const detail = `${c.req.method} is not allowed here; use ${allowed.join(' or ')}`;
    throw new CallError('method_not_allowed', detail, { headers: { Allow: allowed.join(', ') } });
  });
}
