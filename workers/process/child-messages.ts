import { z } from 'zod';
import { LOG_LEVELS } from '../../lib/log.ts';

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

const childSettingsSchema = z.object({
  worker: runtimeSettingsSchema,
  log: z.object({ level: z.enum(LOG_LEVELS), pretty: z.boolean() }),
});
/** What one worker process gets from its pool. */
export type ChildSettings = z.infer<typeof childSettingsSchema>;

/** Pool to process. */
export const toChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: childSettingsSchema }),
  z.object({ type: z.literal('drain') }),
]);
/** A message of the pool to a process. */
export type ToChild = z.infer<typeof toChildSchema>;

const readySchema = z.object({
  type: z.literal('ready'),
  id: z.string(),
  functions: z.array(z.object({ name: z.string(), slots: z.number() })),
  /** Files that could not be loaded; the others serve. */
  failed: z.array(z.object({ file: z.string(), reason: z.string() })),
});
/** A process serves. */
export type ChildReady = z.infer<typeof readySchema>;

/** Process to pool. `failed` says why the process ends. */
export const fromChildSchema = z.discriminatedUnion('type', [
  readySchema,
  z.object({ type: z.literal('failed'), reason: z.string() }),
]);
/** A message of a process to its pool. */
export type FromChild = z.infer<typeof fromChildSchema>;
