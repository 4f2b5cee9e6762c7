import { z } from 'zod';
import { LOG_LEVELS } from '../../lib/log-levels.ts';
import { CallError } from '../../protocol/call-error.ts';
import { problemSchema } from '../../protocol/problem.ts';
import type { GatewaySettings } from '../settings.ts';

const optionalInt = z
  .int()
  .optional()
  .transform((value): number | undefined => value);

const gatewaySettingsSchema: z.ZodType<GatewaySettings> = z.object({
  host: z.string(),
  port: z.int(),
  adminPort: z.int(),
  natsUrl: z.string(),
  subjectPrefix: z.string(),
  deadlineMs: z.int(),
  maxDeadlineMs: z.int(),
  maxBodyBytes: optionalInt,
  maxInFlight: z.int(),
  retryAfterS: z.int(),
  drainMs: z.int(),
  parking: z.boolean(),
  earlyRefusal: z.boolean(),
  maxParkedBytes: optionalInt,
});

/** What one gateway process gets to start with. */
export const childSettingsSchema = z.object({
  gateway: gatewaySettingsSchema,
  logLevel: z.enum(LOG_LEVELS),
});
/** What one gateway process gets to start with. */
export type ChildSettings = z.infer<typeof childSettingsSchema>;

/** What a gateway process reports when it listens. */
export const childReadySchema = z.object({ id: z.string(), port: z.int() });
/** What a gateway process reports when it listens. */
export type ChildReady = z.infer<typeof childReadySchema>;

/** What the parent asks a gateway process. */
export type Question = 'refusal' | 'metrics';

const refusalSchema = z.object({
  code: problemSchema.shape.code,
  detail: z.string(),
  retryAfterS: z.int().optional(),
});

/** The answer to `refusal`: null when the process should get calls. */
export const refusalAnswerSchema = refusalSchema.nullable();

/** A refusal as a process sends it. */
export function toRefusalAnswer(refusal: CallError | undefined): z.infer<typeof refusalAnswerSchema> {
  if (refusal === undefined) return null;
  const { code, message: detail, retryAfterS } = refusal;
  return { code, detail, ...(retryAfterS === undefined ? {} : { retryAfterS }) };
}

/** A refusal as the parent throws it. */
export function fromRefusal({ code, detail, retryAfterS }: z.infer<typeof refusalSchema>): CallError {
  return new CallError(code, detail, { retryAfterS });
}
