import { readFileSync } from 'node:fs';
import { createLogger } from '../../lib/log.ts';
import { OptionsError } from '../../lib/options.ts';
import { answerLimitMs, Load, type LoadPlan, type LoadSummary } from '../../load/load.ts';
import { Reporter } from '../../load/reporter.ts';
import { summaryText, warnings } from '../../load/summary-text.ts';
import { print } from '../print.ts';
import { complain, type Program } from '../run.ts';
import { DEFAULT_RATE, type LoadSettings } from './settings.ts';

const NAME = 'now-or-never load';
const DEFAULT_BASE_URL = 'http://127.0.0.1:8080';
/** The notebook (which built request/reply on core NATS and noted what broke) sends every 0 to 1.5 s, for 1000 users. */
const NOTEBOOK_MAX_MS = 1500;
const NOTEBOOK_USERS = 1000;
/** After a Ctrl-C, answers are waited for as long as a gateway lets a call take by default. */
const DEFAULT_BUDGET_MS = 5000;
const LINGER_MS = 1000;

/** Sends calls to `addresses` and reports what came back. Throws an OptionsError when settings contradict each other. */
export function loadProgram(values: LoadSettings, addresses: readonly string[]): Program {
  const options = loadOptions(values, addresses);
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
          `waiting up to ${lingerMs / 1000} s for ${load.inFlight} answers; press Ctrl-C again to exit at once`,
        );
      }
      const limit = setTimeout(() => load.abort(), lingerMs);
      await ended;
      clearTimeout(limit);
    },
    endLimitMs: lingerMs + 5000,
    ended,
  };
}

function loadOptions(values: LoadSettings, addresses: readonly string[]): LoadPlan {
  const { function: fn, rate, seconds, clients, deadlineMs, notebook, polite, maxInFlight, seed } = values;
  if (notebook && rate !== undefined) {
    throw new OptionsError('--notebook and --rate cannot be combined: --notebook has its own rate');
  }
  if (notebook && values.body !== undefined) {
    throw new OptionsError('--notebook and --body cannot be combined: --notebook has its own bodies');
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
    throw new OptionsError('an address must not contain a user or password');
  }
  if (url.pathname !== '/' || url.search !== '') return url.href;
  if (fn === undefined) throw new OptionsError('load needs --function <name>, or addresses with a path');
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
