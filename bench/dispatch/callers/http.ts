import { Agent, type IncomingMessage, request } from 'node:http';
import { type Answer, body, type Caller, type CallerPlan, callHeaders, ok } from './caller.ts';

/** HTTP/1.1 over kept-alive connections; as many as there are calls under way. */
export function httpCaller(plan: CallerPlan): Caller {
  const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: Number.POSITIVE_INFINITY });
  const targets = plan.urls.map((url) => new URL(url));
  return {
    send(call) {
      const target = targets[call.gateway % targets.length];
      const sent = request({
        agent,
        method: 'POST',
        host: target?.hostname,
        port: target?.port,
        path: target?.pathname,
        headers: {
          ...callHeaders(call, plan.deadlineMs),
          'Content-Type': 'application/octet-stream',
          'Content-Length': body.length,
          'Request-Timeout': String(plan.deadlineMs / 1000),
        },
      });
      const answer = new Promise<Answer>((resolve) => {
        sent.once('response', (response) => void readAnswer(response).then(resolve));
        sent.on('error', (error) => resolve({ ok: false, code: codeOf(error) }));
      });
      sent.end(body);
      return { answer, abandon: () => sent.destroy() };
    },
    async close() {
      agent.destroy();
    },
  };
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    if (response.statusCode === 200) return ok;
    const code = problemCode(Buffer.concat(chunks).toString());
    return { ok: false, code: code ?? `http_${response.statusCode}` };
  } catch (error) {
    return { ok: false, code: codeOf(error) };
  }
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
