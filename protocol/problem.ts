import { z } from 'zod';
import type { CallError } from './call-error.ts';
import { type Code, codes, isRetryable, problemPath } from './codes.ts';

export const PROBLEM_CONTENT_TYPE = 'application/problem+json';

const codeNames = Object.keys(codes) as [Code, ...Code[]];

/** The body of every answer that is not a reply of the function (RFC 9457). */
export const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int().min(400).max(599),
  code: z.enum(codeNames),
  detail: z.string(),
  function: z.string().optional(),
  requestId: z.string(),
  started: z.enum(['no', 'yes', 'unknown']),
  retryable: z.boolean(),
  budgetMs: z.number().optional(),
  elapsedMs: z.number().optional(),
});
export type Problem = z.infer<typeof problemSchema>;

/** What is known of the request when it fails. */
export interface ProblemContext {
  requestId: string;
  function?: string | undefined;
  budgetMs?: number | undefined;
  elapsedMs?: number | undefined;
}

/** The problem document of a failure. Extra members never replace the standard ones. */
export function toProblem(error: CallError, context: ProblemContext): Problem {
  return {
    ...error.extra,
    type: problemPath(error.code),
    title: codes[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(context.function === undefined ? {} : { function: context.function }),
    requestId: context.requestId,
    started: error.started,
    retryable: isRetryable(error.status, error.started),
    ...(context.budgetMs === undefined ? {} : { budgetMs: context.budgetMs }),
    ...(context.elapsedMs === undefined ? {} : { elapsedMs: Math.round(context.elapsedMs) }),
  };
}
