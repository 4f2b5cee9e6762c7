import type { z } from 'zod';
import type { SchemaIssue } from './completion.ts';

/** A validated value: as the schema reads it, or what is wrong with it. */
export type Validation =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

type StandardResult = Awaited<ReturnType<z.ZodType['~standard']['validate']>>;

/** Validates a value; a promise only where the schema has asynchronous refinements. Throws what a refinement throws. */
export function validate(schema: z.ZodType, value: unknown): Validation | Promise<Validation> {
  // The standard interface works across copies of zod, and falls back to the asynchronous way by itself.
  const read = schema['~standard'].validate(value);
  return read instanceof Promise ? read.then(validationOf) : validationOf(read);
}

function validationOf(read: StandardResult): Validation {
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
