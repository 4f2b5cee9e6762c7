import type { z } from 'zod';
import type { SchemaIssue } from './completion.ts';

/** A validated value: as the schema reads it, or what is wrong with it. */
export type Validation =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/** Validates a value; asynchronous refinements are allowed. Rejects when a refinement throws. */
export async function validate(schema: z.ZodType, value: unknown): Promise<Validation> {
  // The standard interface works across copies of zod, and falls back to the asynchronous way by itself.
  const pending = schema['~standard'].validate(value);
  const read = pending instanceof Promise ? await pending : pending;
  if (read.issues === undefined) return { ok: true, value: read.value };
  return {
    ok: false,
    issues: read.issues.map((issue) => ({ path: pointer(issue.path ?? []), message: issue.message })),
  };
}

/** RFC 6901. */
function pointer(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path
    .map((step) => String(typeof step === 'object' ? step.key : step))
    .map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
