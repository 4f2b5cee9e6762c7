import { z } from 'zod';
import { integer, type Option, type OptionValues, text, toggle } from '../../lib/options.ts';
import { functionName } from '../../protocol/subjects.ts';

/** Calls a second when `--rate` is not given. */
export const DEFAULT_RATE = 20;

/** Settings of `load`. */
export const loadSettings = {
  function: text({
    schema: functionName,
    placeholder: 'name',
    default: undefined,
    defaultText: 'none',
    help: 'Function to call at addresses without a path.',
  }),
  rate: decimal({
    min: 0.001,
    max: 100_000,
    placeholder: 'number',
    default: undefined,
    defaultText: String(DEFAULT_RATE),
    help: 'Calls per second of all clients together, at random intervals (Poisson).',
  }),
  seconds: decimal({
    min: 0.001,
    max: 86_400,
    placeholder: 'seconds',
    default: 10,
    help: 'How long to send; then it waits for the last answers.',
  }),
  clients: integer({
    min: 1,
    max: 1000,
    default: 1,
    help: 'Number of independent clients, each with its own schedule and pauses.',
  }),
  body: text({
    schema: z.string(),
    placeholder: 'text or @file',
    default: undefined,
    defaultText: 'none',
    help: 'Body of every call; sent as application/json if it is JSON, else as application/octet-stream.',
  }),
  deadlineMs: integer({
    min: 1,
    max: 3_600_000,
    placeholder: 'ms',
    default: undefined,
    defaultText: "the gateway's",
    help: 'Deadline of a call, sent as Request-Timeout.',
  }),
  notebook: toggle({
    default: false,
    help: 'Each client sends {"user_id": n} every 0 to 1.5 s, instead of --rate and --body.',
  }),
  polite: toggle({
    default: false,
    help: 'A client that gets a 503 with Retry-After pauses for that time.',
  }),
  maxInFlight: integer({
    min: 1,
    max: 1_000_000,
    default: 10_000,
    help: 'Maximum number of open calls; calls beyond it are counted and not sent.',
  }),
  seed: integer({
    min: 0,
    max: 4_294_967_295,
    default: undefined,
    defaultText: 'random',
    help: 'Seed of the schedule: the same seed sends calls at the same times.',
  }),
  json: toggle({ default: false, help: 'Print the summary as one JSON object.' }),
};

/** Their values. */
export type LoadSettings = OptionValues<typeof loadSettings>;

function decimal<T extends number | undefined>(declared: {
  min: number;
  max: number;
  placeholder: string;
  default: T;
  defaultText?: string;
  help: string;
}): Option<T | number> {
  const { min, max, placeholder, default: value, defaultText = String(value), help } = declared;
  const schema = z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?$/, `must be a number, ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
  return { schema, placeholder, default: value, defaultText, help, isSecret: false };
}
