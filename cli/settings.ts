import { z } from 'zod';
import { LOG_LEVELS } from '../lib/log-levels.ts';
import { parseServerList } from '../lib/nats-address.ts';
import { choice, integer, text } from '../lib/options.ts';
import { DEFAULT_GROUP, DEFAULT_PREFIX, subjectPrefix, token } from '../protocol/subjects.ts';

/** An hour: for every time in milliseconds, so that no timer overflows. */
const MAX_MS = 3_600_000;

/** A time in milliseconds. */
export function milliseconds(declared: { help: string; fallback: number; min?: number }) {
  return integer({ min: 1, max: MAX_MS, placeholder: 'ms', ...declared });
}

/** A comma list of NATS servers; the message about a wrong one repeats no password. */
export const serverList = z.string().superRefine((list, context) => {
  try {
    parseServerList(list);
  } catch (error) {
    context.addIssue({
      code: 'custom',
      message: `is not allowed: ${error instanceof Error ? error.message : ''}`,
    });
  }
});

const prefix = z
  .string()
  .refine(
    (value) => subjectPrefix.safeParse(value).success,
    'must be tokens of A-Z a-z 0-9 _ - joined by dots, at most 128 characters',
  );

/** Settings that every command has. */
export const commonSettings = {
  natsUrl: text({
    schema: serverList,
    placeholder: 'url,...',
    fallback: 'nats://127.0.0.1:4222',
    isSecret: true,
    help: 'NATS servers of one cluster, a comma list; nats://user:password@host:port, tls:// for encryption.',
  }),
  subjectPrefix: text({
    schema: prefix,
    placeholder: 'prefix',
    fallback: DEFAULT_PREFIX,
    help: 'First token or tokens of every subject; gateways and workers must agree.',
  }),
  drainMs: milliseconds({
    fallback: 10_000,
    min: 0,
    help: 'How long calls that run may take to finish when the program is told to end.',
  }),
  logLevel: choice({
    values: LOG_LEVELS,
    placeholder: 'level',
    fallback: 'info',
    help: `Least level that is logged: ${LOG_LEVELS.join(', ')}.`,
  }),
};

/** Settings of worker processes. */
export const workerSettings = {
  processes: integer({ min: 1, max: 256, fallback: 1, help: 'How many worker processes to run.' }),
  slots: integer({
    min: 1,
    max: 10_000,
    fallback: undefined,
    fallbackText: "the function's own",
    help: 'Calls that each process runs at a time, of each function.',
  }),
  group: text({
    schema: token,
    placeholder: 'name',
    fallback: DEFAULT_GROUP,
    help: 'Queue group of functions that name none; every group is owed every call once.',
  }),
};
