import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { z } from 'zod';
import { CallError } from '../../protocol/call-error.ts';
import { type Code, codes, isRetryable, problemPath, type Started } from '../../protocol/codes.ts';
import { type Problem, problemSchema } from '../../protocol/problem.ts';
import { openapiDocument } from '../openapi.ts';
import { type App, onlyMethods } from './base.ts';

/** What is told of a code; the JSON form of its page. */
export interface ProblemExplanation {
  type: string;
  code: Code;
  title: string;
  status: number;
  started: Started;
  meaning: string;
  /** What a caller can do. */
  advice: string;
  /** Absent for codes that are never answered. */
  example?: Problem;
}

const examplesSchema = z.object({
  components: z.object({ examples: z.record(z.string(), z.object({ value: problemSchema })) }),
});

const ALL_CODES = problemSchema.shape.code.options;

/**
 * Serves `/problems` and `/problems/<slug>`: what each code means, as HTML, or as plain text or JSON when
 * `Accept` asks for it. An unknown slug throws a CallError `not_found`. Throws at once when the examples in
 * `openapi.yaml` cannot be read.
 */
export function registerProblems(app: App): void {
  const examples = examplesSchema.parse(JSON.parse(openapiDocument().json)).components.examples;
  const explanations = ALL_CODES.map((code) => explain(code, examples[code]?.value));

  app.get('/problems', (c) =>
    answer(c, {
      html: () => page('Problems', list(explanations)),
      text: () => `${explanations.map((e) => `${e.status} ${e.code}: ${e.title}. ${e.type}`).join('\n')}\n`,
      json: () => ({ problems: explanations }),
    }),
  );
  app.get('/problems/:slug', (c) => {
    const path = `/problems/${c.req.param('slug')}`;
    const found = explanations.find((e) => e.type === path);
    if (found === undefined) {
      throw new CallError('not_found', 'there is no problem of this name; /problems lists all of them');
    }
    return answer(c, {
      html: () => page(found.title, article(found)),
      text: () => asText(found),
      json: () => found,
    });
  });
  for (const path of ['/problems', '/problems/:slug']) onlyMethods(app, path, ['GET', 'HEAD']);
}

function explain(code: Code, example: Problem | undefined): ProblemExplanation {
  const { title, status, started, meaning } = codes[code];
  const told = { type: problemPath(code), code, title, status, started, meaning };
  return { ...told, advice: advise(code), ...(example === undefined ? {} : { example }) };
}

function advise(code: Code): string {
  const { status, started } = codes[code];
  if (code === 'caller_gone') return 'Nothing: no caller ever gets it as an answer.';
  if (isRetryable(status, started)) {
    return 'Nothing was run. Send the same request again, after `Retry-After` seconds where the answer has it.';
  }
  switch (started) {
    case 'no':
      return 'Nothing was run. Change the request before you send it again.';
    case 'yes':
      return 'The function ran. Repeat the call only if running it twice does no harm.';
    case 'unknown':
      return 'The function may have run. If the answer says that `started` is `no`, repeat the call freely; otherwise only if running it twice does no harm.';
  }
}

interface Forms {
  html(): string;
  text(): string;
  json(): object;
}

function answer(c: Context, forms: Forms): Response {
  c.header('Vary', 'Accept');
  c.header('Cache-Control', 'public, max-age=300');
  c.header('X-Content-Type-Options', 'nosniff');
  const supports = ['text/html', 'text/plain', 'application/json'];
  switch (accepts(c, { header: 'Accept', supports, default: 'text/html' })) {
    case 'application/json':
      return c.json(forms.json());
    case 'text/plain':
      return c.text(forms.text());
    default:
      c.header(
        'Content-Security-Policy',
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      return c.html(forms.html());
  }
}

function asText(told: ProblemExplanation): string {
  const lines = [
    `${told.title}`,
    '',
    `code     ${told.code}`,
    `status   ${told.status}`,
    `started  ${told.started}`,
    '',
    told.meaning,
    '',
    told.advice,
  ];
  if (told.example !== undefined) lines.push('', JSON.stringify(told.example, null, 2));
  return `${lines.join('\n')}\n`;
}

function list(all: readonly ProblemExplanation[]): string {
  const rows = all.map(
    (e) =>
      `<tr><td>${e.status}<td><a href="${escaped(e.type)}"><code>${escaped(e.code)}</code></a><td>${escaped(e.title)}<td>${e.started}`,
  );
  return `<p>Every way in which a call can fail.</p>
<table><tr><th>Status<th>Code<th>Title<th>Started${rows.join('\n')}</table>`;
}

function article(told: ProblemExplanation): string {
  const example =
    told.example === undefined
      ? ''
      : `<h2>Example</h2>\n<pre>${escaped(JSON.stringify(told.example, null, 2))}</pre>`;
  return `<p><code>${escaped(told.code)}</code> · status ${told.status} · started: ${told.started}</p>
<h2>What it means</h2>
<p>${prose(told.meaning)}</p>
<h2>What to do</h2>
<p>${prose(told.advice)}</p>
${example}
<p><a href="/problems">All problems</a></p>`;
}

const STYLE = `:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
h1 { line-height: 1.2 } h2 { font-size: 1.1rem; margin-top: 2rem }
code, pre { font: .9em/1.5 ui-monospace, monospace }
pre { padding: 1rem; overflow-x: auto; border: 1px solid #8886; border-radius: .4rem }
table { border-collapse: collapse } th, td { text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top }`;

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<h1>${escaped(title)}</h1>
${body}
</html>
`;
}

/** Text with `code` in it as HTML. */
function prose(text: string): string {
  return escaped(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
