import { z } from 'zod';
import { LOG_LEVELS } from '../../lib/log-levels.ts';

const runtimeSettingsSchema = z.object({
  /** Handler files and folders. */
  paths: z.array(z.string()),
  /** Comma list. */
  natsUrl: z.string(),
  subjectPrefix: z.string(),
  /** Overrides the slots of every function. */
  slots: z
    .int()
    .optional()
    .transform((slots): number | undefined => slots),
  /** Queue group of functions that name none. */
  group: z.string(),
  drainMs: z.number(),
});
/** What a worker process needs to serve. */
export type RuntimeSettings = z.infer<typeof runtimeSettingsSchema>;

/** What one worker process gets from its pool. */
export const childSettingsSchema = z.object({
  worker: runtimeSettingsSchema,
  log: z.object({ level: z.enum(LOG_LEVELS), pretty: z.boolean() }),
});
/** What one worker process gets from its pool. */
export type ChildSettings = z.infer<typeof childSettingsSchema>;

/** What a worker process reports when it serves. */
export const childReadySchema = z.object({
  id: z.string(),
  functions: z.array(z.object({ name: z.string(), slots: z.number() })),
  /** Files that could not be loaded; the others serve. */
  failed: z.array(z.object({ file: z.string(), reason: z.string() })),
});
/** What a worker process reports when it serves. */
export type ChildReady = z.infer<typeof childReadySchema>;
