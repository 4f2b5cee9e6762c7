import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { createLogger } from '../lib/log.ts';
import {
  integer,
  type Option,
  OptionsError,
  type OptionValues,
  readOptions,
  text,
  toggle,
} from '../lib/options.ts';
import { answerLimitMs, Load, type LoadPlan, type LoadSummary } from '../load/load.ts';
import { Reporter } from '../load/reporter.ts';
import { summaryText, warnings } from '../load/summary-text.ts';
import { functionName } from '../protocol/subjects.ts';
import type { Command } from './command.ts';
import { print } from './print.ts';
import { complain } from './run.ts';

const NAME = 'now-or-never load';
const DEFAULT_BASE_URL = 'http://127.0.0.1:8080';
const DEFAULT_RATE = 20;
/** The notebook (which built request/reply on core NATS and noted what broke) sends every 0 to 1.5 s, for 1000 users. */
const NOTEBOOK_MAX_MS = 1500;
const NOTEBOOK_USERS = 1000;
/** After a Ctrl-C, answers are waited for as long as a gateway lets a call take by default. */
const DEFAULT_BUDGET_MS = 5000;
const LINGER_MS = 1000;

const settings = {
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

type LoadSettings = OptionValues<typeof settings>;

/** `load`: calls gateways at a given rate and tells what came back. Exit code 1 when nothing answered at all. */
export const loadCommand: Command = {
  name: 'load',
  summary: 'call gateways at a rate that does not wait for answers, and tell what came back',
  usage: '[address]...',
  settings,
  prepare(args, env) {
    const { values, positionals } = readOptions(settings, args, env);
    const options = loadOptions(values, positionals);
    const load = new Load({
      ...options,
      onPause({ client, ms, status, code }) {
        reporter.say(`client ${client} pauses for ${ms / 1000} s: ${status} ${code}`);
      },
    });
    const { stdout, stderr } = process;
    const isOnStdout = stderr.isTTY !== true && stdout.isTTY === true && !values.json;
    const reporter = new Reporter(load, isOnStdout ? stdout : stderr);
    const lingerMs = Math.min(
      (values.deadlineMs ?? DEFAULT_BUDGET_MS) + LINGER_MS,
      answerLimitMs(values.deadlineMs),
    );
    const ended = load.done.then(async (summary) => {
      reporter.stop();
      await print(values.json ? `${JSON.stringify(summary)}\n` : summaryText(summary));
      for (const warning of warnings(summary)) complain(NAME, warning);
      if (!isUnreachable(summary)) return 0;
      const [{ code = '' } = {}] = summary.outcomes;
      complain(NAME, `nothing answered at ${options.urls.join(', ')}: ${code}`);
      return 1;
    });
    return {
      log: createLogger({ service: 'load', level: 'warn', pretty: true, out: stderr }),
      async start() {
        reporter.start();
        load.start();
      },
      async end() {
        load.stop();
        if (load.inFlight > 0) {
          reporter.say(
            `waits up to ${lingerMs / 1000} s for ${load.inFlight} answers; Ctrl-C ends it at once`,
          );
        }
        const limit = setTimeout(() => load.abort(), lingerMs);
        await ended;
        clearTimeout(limit);
      },
      endLimitMs: lingerMs + 5000,
      ended,
    };
  },
};

function loadOptions(values: LoadSettings, addresses: readonly string[]): LoadPlan {
  const { function: fn, rate, seconds, clients, deadlineMs, notebook, polite, maxInFlight, seed } = values;
  if (notebook && rate !== undefined) {
    throw new OptionsError('--notebook and --rate exclude each other: the notebook has a pace of its own');
  }
  if (notebook && values.body !== undefined) {
    throw new OptionsError('--notebook and --body exclude each other: the notebook has bodies of its own');
  }
  return {
    urls: (addresses.length > 0 ? addresses : [DEFAULT_BASE_URL]).map((address) => fullUrl(address, fn)),
    arrivals: notebook
      ? { kind: 'uniform', maxMs: NOTEBOOK_MAX_MS }
      : { kind: 'poisson', perSecond: rate ?? DEFAULT_RATE },
    durationMs: seconds * 1000,
    clients,
    isPolite: polite,
    maxInFlight,
    body: notebook ? notebookBody : sameBody(values.body),
    ...(deadlineMs === undefined ? {} : { budgetMs: deadlineMs }),
    ...(seed === undefined ? {} : { seed }),
  };
}

/** An address with a path is called as it is, one without at the path of the function. */
function fullUrl(address: string, fn: string | undefined): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol !== 'http:' || url.hostname === '') {
    throw new OptionsError(`the address ${JSON.stringify(address)} must be like http://host:port`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new OptionsError('an address must have no user and no password');
  }
  if (url.pathname !== '/' || url.search !== '') return url.href;
  if (fn === undefined) throw new OptionsError(`load needs --function <name>, or addresses with a path`);
  return new URL(`/functions/${fn}`, url).href;
}

function notebookBody(n: number) {
  return { data: JSON.stringify({ user_id: n % NOTEBOOK_USERS }), contentType: 'application/json' };
}

function sameBody(body: string | undefined): () => { data: Uint8Array; contentType: string } | undefined {
  if (body === undefined) return () => undefined;
  const data = body.startsWith('@') ? readBody(body.slice(1)) : Buffer.from(body);
  const content = { data, contentType: isJson(data) ? 'application/json' : 'application/octet-stream' };
  return () => content;
}

function readBody(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OptionsError(
      `--body @${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function isJson(data: Buffer): boolean {
  try {
    JSON.parse(data.toString());
    return true;
  } catch {
    return false;
  }
}

function isUnreachable({ offered, outcomes }: LoadSummary): boolean {
  return offered > 0 && outcomes.every(({ status }) => status === 0);
}

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
