import { connect, headers, NoRespondersError, TimeoutError } from 'nats';
import { header } from '../../../../protocol/headers.ts';
import { body, type Caller, type CallerPlan, ok, workHeaders } from './caller.ts';

/** Plain requests over one NATS connection for each gateway. */
export async function natsCaller(plan: CallerPlan): Promise<Caller> {
  const connections = await Promise.all(
    plan.urls.map((servers) => connect({ servers, noAsyncTraces: true, name: 'bench-caller' })),
  );
  return {
    send(call) {
      const connection = connections[call.gateway % connections.length];
      const sent = headers();
      for (const [name, value] of Object.entries(workHeaders(call))) sent.set(name, value);
      // As a gateway sets it: for workers that skip stale calls.
      sent.set(header.deadline, String(Date.now() + plan.deadlineMs));
      const answer = connection
        ?.request(plan.subject, body, { timeout: plan.deadlineMs, headers: sent })
        .then(() => ok, failure);
      return {
        answer: answer ?? Promise.resolve({ ok: false, code: 'no_gateway' }),
        abandon: () => undefined,
      };
    },
    async close() {
      await Promise.all(connections.map((connection) => connection.close()));
    },
  };
}

function failure(error: unknown): { ok: false; code: string } {
  if (error instanceof NoRespondersError) return { ok: false, code: 'no_responders' };
  if (error instanceof TimeoutError) return { ok: false, code: 'gave_up' };
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof NoRespondersError) return { ok: false, code: 'no_responders' };
  return { ok: false, code: error instanceof Error ? error.name : 'error' };
}
