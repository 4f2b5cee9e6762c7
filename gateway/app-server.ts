import type { IncomingMessage } from 'node:http';
import { getRequestListener, RequestError } from '@hono/node-server';
import type { Clock } from '../lib/clock.ts';
import { CallError } from '../protocol/call-error.ts';
import { BodyReader } from './http/body.ts';
import { HttpRequest } from './http/request.ts';
import type { TrackedResponse } from './http/response.ts';
import { HttpServer, type ServerOptions } from './http/server.ts';
import type { App } from './routes/base.ts';

/** A server whose requests are answered by `app`. */
export function appServer(app: App, clock: Clock, options: Omit<ServerOptions, 'listener'>): HttpServer {
  const bodies = new BodyReader(clock);
  const listener = getRequestListener(
    (request, { incoming, outgoing }) =>
      app.fetch(request, { request: requestOf(incoming, outgoing, bodies) }),
    { overrideGlobalObjects: true, errorHandler: rethrow },
  );
  return new HttpServer({ ...options, listener });
}

/** `HttpServer` speaks HTTP/1.1 only and makes every response, so these are never those of HTTP/2. */
function requestOf(incoming: unknown, outgoing: unknown, bodies: BodyReader): HttpRequest {
  return new HttpRequest(incoming as IncomingMessage, outgoing as TrackedResponse, bodies);
}

/** Leaves the answer to the server, which knows the request's id. */
function rethrow(thrown: unknown): never {
  if (!(thrown instanceof RequestError)) throw thrown;
  throw new CallError('bad_request', 'the request target or the Host header is not valid', { cause: thrown });
}
