import { body, type Caller, type CallerAnswer, type CallerPlan, ok, workHeaders } from './caller.ts';
import { HttpConnection, type HttpResponse } from './http-connection.ts';

/** HTTP/1.1 over kept-alive connections; as many as there are calls under way. */
export function httpCaller(plan: CallerPlan): Caller {
  const targets = plan.urls.map((url) => ({ url: new URL(url), idle: new Set<HttpConnection>() }));
  const open = new Set<HttpConnection>();
  const text = Buffer.from(body).toString('latin1');
  const common = [
    'Content-Type: application/octet-stream',
    `Content-Length: ${body.length}`,
    `Request-Timeout: ${plan.deadlineMs / 1000}`,
  ];
  return {
    send(call) {
      const target = targets[call.gateway % targets.length];
      if (target === undefined) throw new Error('no gateway to call');
      const { url, idle } = target;
      const connection = idleConnection(idle) ?? new HttpConnection(url.hostname, Number(url.port));
      idle.delete(connection);
      open.add(connection);
      const own = Object.entries(workHeaders(call)).map((pair) => pair.join(': '));
      const head = [`POST ${url.pathname} HTTP/1.1`, `Host: ${url.host}`, ...common, ...own].join('\r\n');
      const answer = connection.send(`${head}\r\n\r\n${text}`).then(
        (received) => {
          if (connection.isOpen) idle.add(connection);
          else open.delete(connection);
          return readAnswer(received);
        },
        (error) => {
          open.delete(connection);
          return { ok: false, code: codeOf(error) };
        },
      );
      return { answer, abandon: () => connection.destroy() };
    },
    async close() {
      for (const connection of open) connection.destroy();
    },
  };
}

/** One that still stands; those that the server has closed are forgotten. */
function idleConnection(idle: Set<HttpConnection>): HttpConnection | undefined {
  for (const connection of idle) {
    if (connection.isOpen) return connection;
    idle.delete(connection);
  }
  return undefined;
}

function readAnswer({ status, body: text }: HttpResponse): CallerAnswer {
  if (status === 200) return ok;
  return { ok: false, code: problemCode(text) ?? `http_${status}` };
}

/** The `code` of a problem+json body, if it is one. */
function problemCode(text: string): string | undefined {
  if (!text.startsWith('{')) return undefined;
  const problem: unknown = JSON.parse(text);
  const code: unknown =
    typeof problem === 'object' && problem !== null ? Reflect.get(problem, 'code') : undefined;
  return typeof code === 'string' ? code : undefined;
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'error';
}
