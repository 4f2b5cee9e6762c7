const MAX_TEXT = 1000;
const MAX_STACK = 4000;
const MAX_CAUSES = 3;
/** Values of one object that are written; a line that needs more would be too long. */
const MAX_VALUES = 2000;
const SECRETS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie', 'password']);
const CENSOR = '[redacted]';

type Fields = Record<string, unknown>;

/** Foreign text, bounded. */
export function cut(text: string, max = MAX_TEXT): string {
  return text.length > max ? `${text.slice(0, max)}...` : text;
}

/**
 * The fields of a line without credentials in their objects and with texts cut. A line of the product has numbers and short texts only
 * and is taken as it is: objects are where foreign things come in, and each of them is copied without its secrets.
 */
export function safeFields(fields: Fields): Fields {
  for (const name in fields) if (!isHarmless(fields[name])) return copied(fields, safeValue);
  return fields;
}

/** As `safeFields`, for anything that is logged. */
export function safeValue(value: unknown): unknown {
  if (typeof value === 'string') return cut(value);
  try {
    return withoutSecrets(value, { left: MAX_VALUES });
  } catch {
    // A getter or a toJSON that throws.
    return '[unreadable]';
  }
}

/** By name of a field: how pino writes it. */
export const serializers: Readonly<Record<string, (value: unknown) => unknown>> = {
  ...Object.fromEntries([...SECRETS].map((name) => [name, () => CENSOR])),
  err: (thrown) => safeError(thrown),
};

/** What was thrown, bounded; also for what is no Error. */
function safeError(thrown: unknown, causes = MAX_CAUSES): unknown {
  if (!(thrown instanceof Error)) return safeValue(thrown);
  const code: unknown = Reflect.get(thrown, 'code');
  return {
    type: thrown.name,
    message: cut(thrown.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(thrown.stack === undefined ? {} : { stack: cut(thrown.stack, MAX_STACK) }),
    ...(thrown.cause === undefined || causes === 0 ? {} : { cause: safeError(thrown.cause, causes - 1) }),
  };
}

function isHarmless(value: unknown): boolean {
  if (typeof value === 'string') return value.length <= MAX_TEXT;
  return value === undefined || typeof value === 'number' || typeof value === 'boolean';
}

/** A copy without the secrets in it, as far as `budget` goes; an error is left to its serializer. */
function withoutSecrets(value: unknown, budget: { left: number }): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Error) return value;
  if (--budget.left < 0) return '[cut]';
  if ('toJSON' in value && typeof value.toJSON === 'function') return withoutSecrets(value.toJSON(), budget);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, budget));
  return copied(value, (inner) => withoutSecrets(inner, budget));
}

function copied(from: object, copy: (value: unknown) => unknown): Fields {
  const entries = Object.entries(from);
  return Object.fromEntries(entries.map(([name, value]) => [name, SECRETS.has(name) ? CENSOR : copy(value)]));
}
