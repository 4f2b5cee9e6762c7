import { z } from 'zod';
import { LOG_LEVELS } from '../lib/log-levels.ts';
import { parseServerList } from '../lib/nats-address.ts';
import { choice, type Described, integer, text } from '../lib/options.ts';
import { DEFAULT_GROUP, DEFAULT_PREFIX, subjectPrefix, token } from '../protocol/subjects.ts';

/** One hour, the maximum of every time in milliseconds: no timer overflows. */
const MAX_MS = 3_600_000;

/** A time in milliseconds. */
export function milliseconds(declared: Described<number> & { min?: number }) {
  return integer({ min: 1, max: MAX_MS, placeholder: 'ms', ...declared });
}

/** NATS servers, separated by commas; the message about a wrong one repeats no password. */
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
    'must be tokens of A-Z a-z 0-9 _ - separated by dots, at most 128 characters',
  );

/** Settings that every command has. */
export const commonSettings = {
  natsUrl: text({
    schema: serverList,
    placeholder: 'url,...',
    default: 'nats://127.0.0.1:4222',
    isSecret: true,
    help: 'NATS servers of one cluster, separated by commas: nats://user:password@host:port, or tls:// for encryption.',
  }),
  subjectPrefix: text({
    schema: prefix,
    placeholder: 'prefix',
    default: DEFAULT_PREFIX,
    help: 'Prefix of every NATS subject; must be the same for gateways and workers.',
  }),
  drainMs: milliseconds({
    default: 10_000,
    min: 0,
    help: 'Time that running calls get to finish when the program is told to stop.',
  }),
  logLevel: choice({
    values: LOG_LEVELS,
    placeholder: 'level',
    default: 'info',
    help: `Minimum log level: ${LOG_LEVELS.join(', ')}.`,
  }),
};

/** Settings of worker processes. */
export const workerSettings = {
  processes: integer({ min: 1, max: 256, default: 1, help: 'Number of worker processes.' }),
  slots: integer({
    min: 1,
    max: 10_000,
    default: undefined,
    defaultText: 'set by each function',
    help: 'Calls of each function that one process runs at a time.',
  }),
  group: text({
    schema: token,
    placeholder: 'name',
    default: DEFAULT_GROUP,
    help: 'Queue group of functions that set none; each group receives every call at most once.',
  }),
};
