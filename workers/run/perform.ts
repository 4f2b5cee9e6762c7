import type { Context } from '../api/context.ts';
import type { LoadedFunction } from '../api/define.ts';
import { isFunctionError } from '../api/errors.ts';
import { type Completion, failed, handlerFailed, type Invocation, invalidInput } from './completion.ts';
import { describeError } from './describe-error.ts';
import { readInput, UnreadableBody } from './input.ts';
import { completionOf, functionErrorOf } from './result.ts';
import { validate } from './schema.ts';

/** What of a function is needed to run it. */
export type Runnable = Pick<LoadedFunction, 'handler' | 'input' | 'output'>;

/**
 * Runs one call from its bytes to the bytes of its answer, in the loop or in a thread. Never rejects, whatever
 * the handler does; knows no deadline.
 */
export async function perform(
  fn: Runnable,
  call: Pick<Invocation, 'headers' | 'body' | 'maxReplyBytes'>,
  context: Context,
): Promise<Completion> {
  try {
    let input = readInput(call.headers, call.body, fn.input !== undefined);
    if (fn.input !== undefined) {
      const validated = await validate(fn.input, input);
      if (!validated.ok) return invalidInput(validated.issues, call.maxReplyBytes);
      input = validated.value;
    }
    const result = await fn.handler(input, context);
    return await completionOf(result, fn.output, call.maxReplyBytes);
  } catch (error) {
    if (error instanceof UnreadableBody) return failed('bad_request', 400, error.message);
    if (isFunctionError(error)) return functionErrorOf(error, call.maxReplyBytes);
    return handlerFailed(describeError(error));
  }
}
