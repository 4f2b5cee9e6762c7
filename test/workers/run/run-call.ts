import { systemClock } from '../../../lib/clock.ts';
import { readReply } from '../../../protocol/reply.ts';
import { type LoadedFunction, readDefinition } from '../../../workers/api/define.ts';
import type { Completion, Invocation } from '../../../workers/run/completion.ts';
import { Executor } from '../../../workers/run/execute.ts';
import { silentLog } from '../../support/log.ts';

export const JSON_TYPE = { 'content-type': 'application/json' };

const executor = new Executor({ clock: systemClock, log: silentLog });

/** A call with `null` as JSON, five seconds and a megabyte for its reply. */
export function invocation(change: Partial<Invocation> = {}): Invocation {
  return {
    callId: 'call-1',
    headers: JSON_TYPE,
    body: Buffer.from('null'),
    deadlineAt: systemClock.now() + 5000,
    maxReplyBytes: 1_000_000,
    ...change,
  };
}

/** A function as if it came from a file of that name. */
export function define(definition: unknown): LoadedFunction {
  return readDefinition(definition, { name: 'test-function' });
}

/** Runs one call of a handler or definition. */
export function run(definition: unknown, change: Partial<Invocation> = {}): Promise<Completion> {
  return executor.run(define(definition), invocation(change)).done;
}

export function text(completion: Completion): string {
  return Buffer.from(completion.body).toString();
}

export function headersOf(completion: Completion): Record<string, string> {
  return Object.fromEntries(completion.headers);
}

/** What the gateway makes of it: every completion must be a reply of the wire. */
export function asReply(completion: Completion): ReturnType<typeof readReply> {
  return readReply(
    Object.fromEntries(completion.headers.map(([name, value]) => [name.toLowerCase(), value])),
  );
}

/** A function that throws this. */
export function throwing(value: unknown): () => never {
  return () => {
    throw value;
  };
}
