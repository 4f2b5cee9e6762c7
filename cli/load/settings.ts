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
    fallback: undefined,
    fallbackText: 'none',
    help: 'Function to call, at addresses without a path.',
  }),
  rate: decimal({
    min: 0.001,
    max: 100_000,
    placeholder: 'number',
    fallback: undefined,
    fallbackText: String(DEFAULT_RATE),
    help: 'Calls a second of all clients together, at random moments (Poisson).',
  }),
  seconds: decimal({
    min: 0.001,
    max: 86_400,
    placeholder: 'seconds',
    fallback: 10,
    help: 'How long to send; answers are waited for after it.',
  }),
  clients: integer({
    min: 1,
    max: 1000,
    fallback: 1,
    help: 'Independent producers, each with its own pace and pauses.',
  }),
  body: text({
    schema: z.string(),
    placeholder: 'text or @file',
    fallback: undefined,
    fallbackText: 'none',
    help: 'Body of every call; application/json if it is JSON, else application/octet-stream.',
  }),
  deadlineMs: integer({
    min: 1,
    max: 3_600_000,
    placeholder: 'ms',
    fallback: undefined,
    fallbackText: "the gateway's",
    help: 'Time for a call, sent as Request-Timeout.',
  }),
  notebook: toggle({
    fallback: false,
    help: 'Each client sends {"user_id": n} every 0 to 1.5 s, instead of --rate and --body.',
  }),
  polite: toggle({
    fallback: false,
    help: 'A client that gets a 503 with Retry-After pauses for as long.',
  }),
  maxInFlight: integer({
    min: 1,
    max: 1_000_000,
    fallback: 10_000,
    help: 'Calls under way at once; what is due beyond is not sent, and counted.',
  }),
  seed: integer({
    min: 0,
    max: 4_294_967_295,
    fallback: undefined,
    fallbackText: 'a random one',
    help: 'The same seed gives calls at the same times.',
  }),
  json: toggle({ fallback: false, help: 'Print the summary as one JSON object.' }),
};

/** Their values. */
export type LoadSettings = OptionValues<typeof loadSettings>;

function decimal<T extends number | undefined>(declared: {
  min: number;
  max: number;
  placeholder: string;
  fallback: T;
  fallbackText?: string;
  help: string;
}): Option<T | number> {
  const { min, max, placeholder, fallback, fallbackText = String(fallback), help } = declared;
  const schema = z
    .string()
    .regex(/^\d{1,9}(\.\d{1,9})?$/, `must be a number, ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
  return { schema, placeholder, fallback, fallbackText, help, isSecret: false };
}
