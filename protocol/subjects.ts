import { z } from 'zod';

/** What a function's name must be, for people: completes "the function name ". */
export const FUNCTION_NAME_RULE = 'must be 1 to 64 of the characters A-Z a-z 0-9 _ -';
const FUNCTION_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** A function's name: the only text of a caller that ever becomes part of a subject. */
export const functionName = z.string().regex(FUNCTION_NAME, FUNCTION_NAME_RULE);

/** The same as `functionName`, for one name at a time. */
export function isFunctionName(name: string): boolean {
  return FUNCTION_NAME.test(name);
}

/** The name of a group, worker or gateway: one subject token. */
export const token = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,128}$/, 'must be 1 to 128 of the characters A-Z a-z 0-9 _ -');

/** The prefix of all subjects: one or more tokens joined by dots. */
export const subjectPrefix = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/, 'must be tokens of A-Z a-z 0-9 _ - joined by dots');

export const DEFAULT_PREFIX = 'now';
export const DEFAULT_GROUP = 'workers';
/** The queue group in which gateways share the pulls of a function and group. */
export const GATEWAYS_QUEUE = 'gateways';

/**
 * Spells every subject of the wire. Whoever calls it has judged the tokens before (`functionName`, `token`);
 * nothing here escapes or checks them again.
 */
export class Subjects {
  readonly prefix: string;

  /** `prefix` must satisfy `subjectPrefix`; throws a ZodError otherwise. */
  constructor(prefix: string = DEFAULT_PREFIX) {
    this.prefix = subjectPrefix.parse(prefix);
  }

  /** Every worker of the function listens here, in the queue group of its name. */
  call(fn: string): string {
    return `${this.prefix}.call.${fn}`;
  }

  /** One worker alone listens here; `fn` may be `*` to subscribe. */
  work(worker: string, fn: string): string {
    return `${this.prefix}.work.${worker}.${fn}`;
  }

  /** Where answers for one gateway or worker arrive, up to the last token, which nobody can guess. */
  replies(owner: string): string {
    return `${this.prefix}.reply.${owner}`;
  }

  /** A gateway asks all workers for their state. */
  hello(): string {
    return `${this.prefix}.hello`;
  }

  /** A worker tells its state; `*` to subscribe. */
  state(worker: string): string {
    return `${this.prefix}.state.${worker}`;
  }

  /** A gateway says that it holds parked calls of a function and group. */
  demand(fn: string, group: string): string {
    return `${this.prefix}.demand.${fn}.${group}`;
  }

  /** A worker asks any gateway that holds parked calls for one. */
  pull(fn: string, group: string): string {
    return `${this.prefix}.pull.${fn}.${group}`;
  }

  /** A worker asks the gateway whose demand it heard. */
  pullFrom(gateway: string): string {
    return `${this.prefix}.pull.${gateway}`;
  }

  /** A gateway takes back a call that a worker may be running. */
  cancel(worker: string): string {
    return `${this.prefix}.cancel.${worker}`;
  }
}
