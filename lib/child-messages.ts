import { z } from 'zod';

/** Parent to process. `replaced` means that other processes go on with its work. */
export const toChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), settings: z.unknown().optional() }),
  z.object({ type: z.literal('drain'), isReplaced: z.boolean() }),
  z.object({ type: z.literal('ask'), id: z.int(), question: z.string() }),
]);
/** A message of the parent to a process. */
export type ToChild = z.infer<typeof toChildSchema>;

/** Process to parent. It is `waiting` when it can hear; `failed` says why it ends, `last` is what it leaves behind when it ends in order. */
export const fromChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('waiting') }),
  z.object({ type: z.literal('ready'), ready: z.unknown().optional() }),
  z.object({ type: z.literal('failed'), reason: z.string() }),
  z.object({ type: z.literal('answer'), id: z.int(), answer: z.unknown().optional() }),
  z.object({ type: z.literal('last'), last: z.unknown().optional() }),
]);
/** A message of a process to its parent. */
export type FromChild = z.infer<typeof fromChildSchema>;
