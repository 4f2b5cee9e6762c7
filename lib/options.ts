import { parseArgs } from 'node:util';
import { z } from 'zod';

/** One setting: everything the program knows about it but its name, which is its key in the declaration. */
export interface Option<T> {
  /** Validates the text of the command line or the environment; its message says what is allowed. */
  readonly schema: z.ZodType<T, string>;
  /** Value when neither flag nor environment has one. */
  readonly default: T;
  /** The default as the help shows it. */
  readonly defaultText: string;
  readonly help: string;
  /** What the help shows after the flag; undefined for a switch, which takes no value. */
  readonly placeholder: string | undefined;
  /** The value may hold a password: it is never repeated in an error. */
  readonly isSecret: boolean;
}

/** Settings of a command. A key `maxBodyBytes` is the flag `--max-body-bytes` and the environment's `MAX_BODY_BYTES`. */
export type Declaration = Readonly<Record<string, Option<unknown>>>;

/** The values of a declaration, typed by it. */
export type OptionValues<D extends Declaration> = {
  [Key in keyof D]: D[Key] extends Option<infer T> ? T : never;
};

/** A flag or value that is not allowed. The message is one line for people. */
export class OptionsError extends Error {
  override readonly name = 'OptionsError';
}

interface WithDefault<T> {
  readonly help: string;
  readonly default: T;
  /** What the help shows instead of the default. */
  readonly defaultText?: string;
}

/** The same with the names that `experiments/lab` still uses. */
interface WithFallback<T> {
  readonly help: string;
  readonly fallback: T;
  readonly fallbackText?: string;
}

/** What every setting declares. */
export type Described<T> = WithDefault<T> | WithFallback<T>;

/** A whole number from `min` to `max`. */
export function integer<T extends number | undefined>(
  declared: Described<T> & { min: number; max: number; placeholder?: string },
): Option<T | number> {
  const { min, max, placeholder = 'number' } = declared;
  const schema = z
    .string()
    .regex(/^-?\d{1,15}$/, `must be a whole number, ${min} to ${max}`)
    .transform(Number)
    .pipe(z.number().min(min, `must be at least ${min}`).max(max, `must be at most ${max}`));
  return { ...described(declared), schema, placeholder, isSecret: false };
}

/** A text that `schema` allows. */
export function text<T extends string | undefined>(
  declared: Described<T> & { schema: z.ZodType<string, string>; placeholder: string; isSecret?: boolean },
): Option<T | string> {
  const { schema, placeholder, isSecret = false } = declared;
  return { ...described(declared), schema, placeholder, isSecret };
}

/** One of `values`. */
export function choice<const Values extends readonly [string, ...string[]]>(
  declared: Described<Values[number]> & { values: Values; placeholder: string },
): Option<Values[number]> {
  const { values, placeholder } = declared;
  const schema = z.string().pipe(z.enum(values, { error: `must be one of ${values.join(', ')}` }));
  return { ...described(declared), schema, placeholder, isSecret: false };
}

/** On or off: `--name` and `--no-name`; in the environment true, on, 1 or false, off, 0. */
export function toggle(declared: Described<boolean>): Option<boolean> {
  const schema = z
    .string()
    .regex(/^(true|on|1|false|off|0)$/, 'must be true or false')
    .transform((value) => value === 'true' || value === 'on' || value === '1');
  const common = described(declared, (isOn) => (isOn ? 'on' : 'off'));
  return { ...common, schema, placeholder: undefined, isSecret: false };
}

function described<T>(declared: Described<T>, textOf: (value: T) => string = String) {
  const { help } = declared;
  const [value, text] =
    'default' in declared
      ? [declared.default, declared.defaultText]
      : [declared.fallback, declared.fallbackText];
  return { help, default: value, defaultText: text ?? textOf(value) };
}

/**
 * Reads settings: a flag wins over the environment, the environment over the default; an empty environment
 * value counts as unset. Throws an OptionsError at the first flag that is unknown or value that is not allowed.
 */
export function readOptions<D extends Declaration>(
  declaration: D,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { values: OptionValues<D>; positionals: string[] } {
  const { flags, positionals } = readFlags(declaration, args);
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(declaration)) {
    const flag = flags.get(key);
    const variable = env[environmentName(key)];
    if (flag !== undefined) values[key] = validated(option, flag.text, `--${flag.name}`, ' ');
    else if (variable) values[key] = validated(option, variable, environmentName(key), '=');
    else values[key] = option.default;
  }
  // The loop above has put a value of the right type at each key.
  return { values: values as OptionValues<D>, positionals };
}

interface Flag {
  readonly name: string;
  readonly text: string;
}

/** node:util finds the tokens; it does not validate them, since its messages have several lines. */
function readFlags(declaration: Declaration, args: readonly string[]) {
  const keys = new Map(Object.keys(declaration).map((key) => [flagName(key), key]));
  const options: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const [name, key] of keys) {
    options[name] = { type: declaration[key]?.placeholder === undefined ? 'boolean' : 'string' };
  }
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Map<string, Flag>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const { name, rawName, value, inlineValue } = token;
    const isOff = !keys.has(name) && name.startsWith('no-');
    const key = keys.get(isOff ? name.slice(3) : name);
    const isSwitch = key !== undefined && declaration[key]?.placeholder === undefined;
    if (key === undefined || (isOff && !isSwitch)) {
      throw new OptionsError(`unknown option ${shown(rawName)}, see --help`);
    }
    flags.set(key, {
      name,
      text: isSwitch ? switchText(name, value, isOff) : valueText(name, value, inlineValue),
    });
  }
  return { flags, positionals };
}

function switchText(name: string, value: string | undefined, isOff: boolean): string {
  if (value !== undefined) {
    const on = isOff ? name.slice(3) : name;
    throw new OptionsError(`--${name} takes no value; use --${on} or --no-${on}`);
  }
  return isOff ? 'false' : 'true';
}

function valueText(name: string, value: string | undefined, isInline: boolean | undefined): string {
  if (!value) throw new OptionsError(`--${name} needs a value`);
  if (!isInline && value.startsWith('--')) {
    throw new OptionsError(`--${name} needs a value, got the option ${shown(value)}`);
  }
  return value;
}

function validated(option: Option<unknown>, value: string, name: string, separator: ' ' | '='): unknown {
  const read = option.schema.safeParse(value);
  if (read.success) return read.data;
  const reason = read.error.issues[0]?.message ?? 'is not allowed';
  throw new OptionsError(
    option.isSecret ? `${name} ${reason}` : `${name}${separator}${shown(value)} ${reason}`,
  );
}

/** Text of the user in a message: quoted when it is not plain, cut when it is long. */
function shown(value: string): string {
  const cut = value.length > 100 ? `${value.slice(0, 100)}...` : value;
  return /^[\x21-\x7e]+$/.test(cut) ? cut : JSON.stringify(cut);
}

/** `maxBodyBytes` is `max-body-bytes`. */
function flagName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `maxBodyBytes` is `MAX_BODY_BYTES`. */
function environmentName(key: string): string {
  return flagName(key).replaceAll('-', '_').toUpperCase();
}

/** The help of each setting: flag, environment name and default in a line, what it does in the next. */
export function optionsHelp(declaration: Declaration): string {
  const rows = Object.entries(declaration).map(([key, option]) => {
    const { placeholder, defaultText, help } = option;
    const flag =
      placeholder === undefined ? `--[no-]${flagName(key)}` : `--${flagName(key)} <${placeholder}>`;
    return { flag, name: environmentName(key), defaultText, help };
  });
  const flagWidth = Math.max(...rows.map(({ flag }) => flag.length));
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  return rows
    .map(
      ({ flag, name, defaultText, help }) =>
        `  ${flag.padEnd(flagWidth)}  ${name.padEnd(nameWidth)}  default: ${defaultText}\n      ${help}\n`,
    )
    .join('');
}
