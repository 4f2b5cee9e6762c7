import { Hono } from 'hono';
import type { Logger } from 'pino';
import { randomToken } from '../../lib/random-token.ts';
import { CallError } from '../../protocol/call-error.ts';
import { acceptedRequestId, problemResponse } from '../http/answer.ts';
import { type Exchange, exchangeOf } from '../http/request.ts';

/** What the server hands to the app; missing when the app is called without a socket. */
export interface AppEnv {
  Bindings: { exchange?: Exchange };
}

export type App = Hono<AppEnv>;

/** An app that routes by the path as it was sent, and whose failures all are problem documents. */
export function baseApp(log: Logger): App {
  const app = new Hono<AppEnv>({
    getPath: (request, options) => options?.env?.exchange?.path ?? exchangeOf(request).path,
  });
  app.notFound((c) =>
    failure(new CallError('not_found', `there is no ${c.req.method} ${c.req.path.slice(0, 200)}`), c.env),
  );
  app.onError((thrown, c) => {
    const error = CallError.from(thrown);
    if (error.code === 'internal_error') log.error({ err: error.cause, path: c.req.path }, 'a route failed');
    return failure(error, c.env);
  });
  return app;
}

function failure(error: CallError, env: AppEnv['Bindings'] | undefined): Response {
  const given = env?.exchange?.headers['x-request-id'];
  const requestId = acceptedRequestId(typeof given === 'string' ? given : undefined) ?? randomToken();
  return problemResponse(error, { requestId });
}

/** Answers every method that has no route at this path with 405, naming those that have. Register it last. */
export function onlyMethods(app: App, path: string, allowed: readonly string[]): void {
  const allow = allowed.join(', ');
  app.all(path, (c) => {
    throw new CallError('method_not_allowed', `${c.req.method} is not allowed here, ${allow} is`, {
      headers: { Allow: allow },
    });
  });
}
