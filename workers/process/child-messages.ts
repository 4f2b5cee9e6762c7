import { z } from 'zod';
import { LOG_LEVELS } from '../../lib/log.ts';

/** What one worker process is told by its pool. */
export const childSettingsSchema = z.object({
  worker: z.object({
    paths: z.array(z.string()),
    natsUrl: z.string(),
    subjectPrefix: z.string(),
    slots: z
      .int()
      .optional()
      .transform((slots): number | undefined => slots),
    group: z.string(),
    drainMs: z.number(),
  }),
  log: z.object({ level: z.enum(LOG_LEVELS), pretty: z.boolean() }),
});
export type ChildSettings = z.infer<typeof childSettingsSchema>;

/** Pool → process. */
export const toChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: childSettingsSchema }),
  z.object({ type: z.literal('drain') }),
]);
export type ToChild = z.infer<typeof toChildSchema>;

const readySchema = z.object({
  type: z.literal('ready'),
  id: z.string(),
  functions: z.array(z.object({ name: z.string(), slots: z.number() })),
  /** Files that could not be loaded; the others serve. */
  failed: z.array(z.object({ file: z.string(), reason: z.string() })),
});
export type ChildReady = z.infer<typeof readySchema>;

/** Process → pool. `failed` says why the process ends. */
export const fromChildSchema = z.discriminatedUnion('type', [
  readySchema,
  z.object({ type: z.literal('failed'), reason: z.string() }),
]);
export type FromChild = z.infer<typeof fromChildSchema>;
