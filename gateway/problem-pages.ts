import type { ProblemExplanation } from './problem-explanation.ts';

/** All codes as HTML. */
export function listPage(all: readonly ProblemExplanation[]): string {
  return page('Problems', list(all));
}

/** All codes as plain text, one a line. */
export function listText(all: readonly ProblemExplanation[]): string {
  return `${all.map((e) => `${e.status} ${e.code}: ${e.title}. ${e.type}`).join('\n')}\n`;
}

/** One code as HTML. */
export function problemPage(explanation: ProblemExplanation): string {
  return page(explanation.title, article(explanation));
}

/** One code as plain text. */
export function problemText(explanation: ProblemExplanation): string {
  const lines = [
    explanation.title,
    '',
    `code     ${explanation.code}`,
    `status   ${explanation.status}`,
    `started  ${explanation.started}`,
    '',
    explanation.meaning,
    '',
    explanation.advice,
  ];
  if (explanation.example !== undefined) lines.push('', JSON.stringify(explanation.example, null, 2));
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

function article(explanation: ProblemExplanation): string {
  const example =
    explanation.example === undefined
      ? ''
      : `<h2>Example</h2>\n<pre>${escaped(JSON.stringify(explanation.example, null, 2))}</pre>`;
  return `<p><code>${escaped(explanation.code)}</code> · status ${explanation.status} · started: ${explanation.started}</p>
<h2>What it means</h2>
<p>${prose(explanation.meaning)}</p>
<h2>What to do</h2>
<p>${prose(explanation.advice)}</p>
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
