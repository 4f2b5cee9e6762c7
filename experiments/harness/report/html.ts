/** Markup that goes into a page as it is. Made by `html` and `markup` only. */
export interface Html {
  readonly markup: string;
}

/** What a template takes: text is escaped, markup is not, lists are joined, `undefined` is nothing. */
export type Content = string | number | Html | undefined | readonly Content[];

/** Template tag: every value is text unless it is markup already. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  return markup(String.raw({ raw: strings }, ...values.map(textOf)));
}

/** Declares text to be markup: for styles and scripts of ours, never for what comes from a result. */
export function markup(text: string): Html {
  return { markup: text };
}

/** Text for people in which `code` stands between backticks. */
export function prose(text: string): Html {
  const parts = text.split(/`([^`]+)`/);
  return html`${parts.map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}

/** A code such as `deadline_exceeded`, which may break where its words end. */
export function codeName(code: string): Html {
  return html`<code>${code.split('_').map((word, index) => (index === 0 ? word : html`_<wbr>${word}`))}</code>`;
}

/** JSON that can stand in a script element: no `<` that could end it. */
export function embeddedJson(value: unknown): Html {
  return markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(content: Content): string {
  if (content === undefined) return '';
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return escaped(content);
  if ('markup' in content) return content.markup;
  return content.map(textOf).join('');
}

/** Text as it stands in markup, in attributes too. */
export function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
}
