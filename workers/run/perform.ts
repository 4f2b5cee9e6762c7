import type { Context } from '../api/context.ts';
import type { LoadedFunction } from '../api/define.ts';
import { isFunctionError } from '../api/errors.ts';
import { type Completion, failed, handlerFailed, type Invocation, invalidInput } from './completion.ts';
import { describeError } from './describe-error.ts';
import { readInput, UnreadableBody } from './input.ts';
import { completionOf, functionErrorOf } from './result.ts';
import { type Validation, validate } from './schema.ts';

/** What of a function is needed to run it. */
export type Runnable = Pick<LoadedFunction, 'handler' | 'input' | 'output'>;

type PerformedCall = Pick<Invocation, 'headers' | 'body' | 'maxReplyBytes'>;
type MaybeLater = Completion | Promise<Completion>;

/**
 * Runs one call from its bytes to the bytes of its answer, in the loop or in a thread. Never throws or rejects, whatever
 * the handler does; knows no deadline. Only where something has to be waited for (the handler, a schema) is the answer
 * a promise.
 */
export function perform(fn: Runnable, call: PerformedCall, context: Context): MaybeLater {
  try {
    const input = readInput(call.headers, call.body, fn.input !== undefined);
    if (fn.input === undefined) return handle(fn, input, call, context);
    const validated = validate(fn.input, input);
    return validated instanceof Promise
      ? later(validated, call, (value) => handleValidated(fn, value, call, context))
      : handleValidated(fn, validated, call, context);
  } catch (error) {
    return failureOf(error, call);
  }
}

function handleValidated(fn: Runnable, input: Validation, call: PerformedCall, context: Context): MaybeLater {
  return input.ok ? handle(fn, input.value, call, context) : invalidInput(input.issues, call.maxReplyBytes);
}

function handle(fn: Runnable, input: unknown, call: PerformedCall, context: Context): MaybeLater {
  const result = fn.handler(input, context);
  return isThenable(result)
    ? later(result, call, (value) => completionOf(value, fn.output, call.maxReplyBytes))
    : completionOf(result, fn.output, call.maxReplyBytes);
}

async function later<T>(
  value: PromiseLike<T>,
  call: PerformedCall,
  next: (value: T) => MaybeLater,
): Promise<Completion> {
  try {
    return await next(await value);
  } catch (error) {
    return failureOf(error, call);
  }
}

/** Whether `await` would wait for it. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value instanceof Promise) return true;
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  return typeof Reflect.get(value, 'then') === 'function';
}

function failureOf(error: unknown, { maxReplyBytes }: PerformedCall): Completion {
  if (error instanceof UnreadableBody) return failed('bad_request', 400, error.message);
  if (isFunctionError(error)) return functionErrorOf(error, maxReplyBytes);
  return handlerFailed(describeError(error));
}
