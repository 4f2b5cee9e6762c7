import { getRequestListener, RequestError } from '@hono/node-server';
import type { Clock } from '../lib/clock.ts';
import { CallError } from '../protocol/call-error.ts';
import { BodyReader, type TrackedRequest } from './http/body.ts';
import { HttpRequest } from './http/request.ts';
import type { TrackedResponse } from './http/response.ts';
import { HttpServer, type ServerOptions } from './http/server.ts';
import type { App } from './routes/base.ts';
import { FUNCTIONS_PATH } from './routes/function-call.ts';
import type { FunctionCalls } from './routes/functions.ts';

/** What a server answers with. */
export interface AppServerOptions extends Omit<ServerOptions, 'listener'> {
  readonly clock: Clock;
  readonly app: App;
  /** Answers `POST /functions/<name>`; without it the app answers that too. */
  readonly calls?: FunctionCalls;
}

/** A server whose calls of functions are answered by `calls`, and everything else by `app`. */
export function appServer({ clock, app, calls, ...options }: AppServerOptions): HttpServer {
  const bodies = new BodyReader(clock);
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      app.fetch(request, { request: requestOf(incoming, outgoing, bodies) }),
    { overrideGlobalObjects: true, errorHandler: rethrow },
  );
  return new HttpServer({
    ...options,
    listener: (incoming, outgoing) => {
      if (calls === undefined || incoming.method !== 'POST') return listener(incoming, outgoing);
      const request = new HttpRequest(incoming, outgoing, bodies);
      if (!request.path.startsWith(FUNCTIONS_PATH)) return listener(incoming, outgoing);
      calls.answer(request);
    },
  });
}

/** `HttpServer` speaks HTTP/1.1 only and makes every request and response, so these are never those of HTTP/2. */
function requestOf(incoming: unknown, outgoing: unknown, bodies: BodyReader): HttpRequest {
  return new HttpRequest(incoming as TrackedRequest, outgoing as TrackedResponse, bodies);
}

/** Leaves the answer to the server, which knows the request's id. */
function rethrow(thrown: unknown): never {
  if (!(thrown instanceof RequestError)) throw thrown;
  throw new CallError('bad_request', 'the request target or the Host header is not valid', { cause: thrown });
}
