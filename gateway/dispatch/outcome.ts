import type { BusMessage } from '../../lib/bus.ts';
import { CallError } from '../../protocol/call-error.ts';
import { isFunctionHeader, isHeaderValue } from '../../protocol/headers.ts';
import { readReply, type WorkerReply } from '../../protocol/reply.ts';
import { deadlineExceeded, workerLost } from '../failures.ts';
import type { CallOutcome } from './contract.ts';

type FinalReply = Exclude<WorkerReply, { kind: 'signal' }>;

/** What a message says, by its headers alone; a `bad_reply` when it breaks the contract. */
export function readReplyMessage(message: BusMessage): WorkerReply | CallError {
  const headers = message.headers();
  if (headers === undefined) {
    return new CallError('bad_reply', 'the headers of the reply cannot be decoded');
  }
  try {
    return readReply(headers);
  } catch (thrown) {
    return CallError.from(thrown);
  }
}

/** What a function's reply means for its caller. `call` is what the gateway knows of it: times in milliseconds. */
export function callOutcome(
  reply: FinalReply,
  message: BusMessage,
  call: { readonly parkedMs: number; readonly budgetMs: number },
): CallOutcome {
  const headers = message.headers() ?? {};
  const body = message.data;
  if (reply.kind === 'error') return replyError(reply, body, call.budgetMs);
  const contentType = headers['content-type'] ?? 'application/json';
  if (!isHeaderValue(contentType)) return new CallError('bad_reply', 'the reply has an invalid content type');
  const own: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (!isFunctionHeader(name)) continue;
    const value = headers[name] ?? '';
    if (!isHeaderValue(value))
      return new CallError('bad_reply', `the reply's header ${name} has characters that HTTP forbids`);
    own[name] = value;
  }
  return {
    status: reply.status,
    contentType,
    headers: own,
    body,
    worker: reply.worker,
    queueMs: call.parkedMs + (reply.waitMs ?? 0),
    workMs: reply.workMs ?? 0,
  };
}

function replyError(reply: FinalReply & { kind: 'error' }, body: Uint8Array, budgetMs: number): CallError {
  const worker = reply.worker === undefined ? {} : { 'X-Worker': reply.worker };
  switch (reply.code) {
    case 'handler_error':
      return new CallError('handler_error', reply.message || 'the function failed', { headers: worker });
    case 'bad_reply':
      return new CallError('bad_reply', reply.message || 'the reply of the function cannot be sent', {
        headers: worker,
      });
    case 'bad_request':
      return new CallError('bad_request', reply.message || 'the function cannot read this body', {
        headers: worker,
      });
    case 'invalid_input':
      return new CallError('invalid_input', reply.message || 'the input does not satisfy the schema', {
        headers: worker,
        extra: invalidInputErrors(body),
      });
    case 'deadline_exceeded':
      return deadlineExceeded(budgetMs, 'unknown');
    case 'worker_lost':
      return workerLost();
    case undefined:
      return new CallError('service_error', reply.message || `the function answered ${reply.status}`, {
        status: reply.status,
        headers: worker,
      });
  }
}

/** The worker's list of `{path, message}`, passed on as it is. */
function invalidInputErrors(body: Uint8Array): { errors?: unknown } {
  try {
    const { errors }: { errors?: unknown } = JSON.parse(new TextDecoder().decode(body));
    return Array.isArray(errors) ? { errors } : {};
  } catch {
    return {};
  }
}
