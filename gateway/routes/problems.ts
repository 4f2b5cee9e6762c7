import type { Context } from 'hono';
import { accepts } from 'hono/accepts';
import { z } from 'zod';
import { CallError } from '../../protocol/call-error.ts';
import { problemSchema } from '../../protocol/problem.ts';
import { openapiDocument } from '../openapi.ts';
import { explain } from '../problem-explanation.ts';
import { listPage, listText, problemPage, problemText } from '../problem-pages.ts';
import { type App, onlyMethods } from './base.ts';

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
    negotiate(c, {
      html: () => listPage(explanations),
      text: () => listText(explanations),
      json: () => ({ problems: explanations }),
    }),
  );
  app.get('/problems/:slug', (c) => {
    const path = `/problems/${c.req.param('slug')}`;
    const found = explanations.find((e) => e.type === path);
    if (found === undefined) {
      throw new CallError('not_found', 'no problem has this name; /problems lists all of them');
    }
    return negotiate(c, {
      html: () => problemPage(found),
      text: () => problemText(found),
      json: () => found,
    });
  });
  for (const path of ['/problems', '/problems/:slug']) onlyMethods(app, path, ['GET', 'HEAD']);
}

/** The same page in each media type. */
interface Representations {
  html(): string;
  text(): string;
  json(): object;
}

/** Answers with what `Accept` asks for; HTML by default. */
function negotiate(c: Context, page: Representations): Response {
  c.header('Vary', 'Accept');
  c.header('Cache-Control', 'public, max-age=300');
  c.header('X-Content-Type-Options', 'nosniff');
  const supports = ['text/html', 'text/plain', 'application/json'];
  switch (accepts(c, { header: 'Accept', supports, default: 'text/html' })) {
    case 'application/json':
      return c.json(page.json());
    case 'text/plain':
      return c.text(page.text());
    default:
      c.header(
        'Content-Security-Policy',
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      return c.html(page.html());
  }
}
