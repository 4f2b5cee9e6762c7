import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { functionName, token } from '../../protocol/subjects.ts';
import type { Context } from './context.ts';
import type { Reply } from './reply.ts';

/** Slots of a function that does not say: fits handlers that wait for others more than they compute. */
const DEFAULT_SLOTS = 16;

/** What a handler may return: by its output schema, or bytes, text or a `reply` that are sent as they are. */
export type Result<Output extends z.ZodType> = z.input<Output> | Uint8Array | Reply;

/** A function as its author writes it. */
export interface FunctionDefinition<Input extends z.ZodType, Output extends z.ZodType> {
  /** 1 to 64 of A-Z a-z 0-9 _ -. Default: the name of the file without its extension. */
  readonly name?: string | undefined;
  readonly description?: string | undefined;
  /**
   * Every input is validated against it before the handler runs; published as JSON Schema. With it, a message without
   * a content type is read as JSON.
   */
  readonly input?: Input | undefined;
  /** Every result (not bytes and not a `reply`) is validated against it; published as JSON Schema. */
  readonly output?: Output | undefined;
  /** Calls that run at a time in one process. Default: 16, or with `threads` the number of processors. */
  readonly slots?: number | undefined;
  /** Run in worker threads, one call each: for handlers that compute. Default: false. */
  readonly threads?: boolean | undefined;
  /** NATS queue group. Default: the worker's. */
  readonly group?: string | undefined;
  run(input: z.output<Input>, context: Context): Result<Output> | Promise<Result<Output>>;
}

/** Gives a definition its types; it is validated when it is loaded. */
export function defineFunction<
  Input extends z.ZodType = z.ZodType<unknown>,
  Output extends z.ZodType = z.ZodType<unknown>,
>(definition: FunctionDefinition<Input, Output>): FunctionDefinition<Input, Output> {
  return definition;
}

/** A handler as the worker sees it. */
type Handler = (input: unknown, context: Context) => unknown;

/** A function ready to serve. */
export interface LoadedFunction {
  readonly name: string;
  readonly description: string | undefined;
  readonly slots: number;
  readonly group: string | undefined;
  readonly threads: boolean;
  /** The module it was loaded from: an absolute path. */
  readonly file: string | undefined;
  /** JSON Schema. */
  readonly inputSchema: object | undefined;
  /** JSON Schema. */
  readonly outputSchema: object | undefined;
  readonly input: z.ZodType | undefined;
  readonly output: z.ZodType | undefined;
  readonly handler: Handler;
}

/** What is known of a definition besides what it says itself. */
export interface DefinitionSource {
  /** The name when the definition has none. */
  readonly name?: string | undefined;
  readonly file?: string | undefined;
  /** Stands in for the definition's slots. */
  readonly slots?: number | undefined;
  /** Stands in for the definition's group. */
  readonly group?: string | undefined;
}

const SLOTS_RULE = 'must be a whole number, 1 to 10000';
const slots = z.int(SLOTS_RULE).min(1, SLOTS_RULE).max(10_000, SLOTS_RULE);
const schema = z.custom<z.ZodType>(
  (value) => typeof value === 'object' && value !== null && '_zod' in value && '~standard' in value,
  'must be a zod 4 schema',
);
const handler = z.custom<Handler>((value) => typeof value === 'function', 'must be a function');

const definitionSchema = z.strictObject({
  name: functionName.optional(),
  description: z.string('must be text').max(2000, 'must be at most 2000 characters').optional(),
  input: schema.optional(),
  output: schema.optional(),
  slots: slots.optional(),
  threads: z.boolean('must be true or false').optional(),
  group: token.optional(),
  run: handler,
});

/**
 * Validates what a module exports: a handler, or an object with the fields of a definition. Throws a TypeError
 * that names the field and what it must be.
 */
export function readDefinition(exported: unknown, source: DefinitionSource = {}): LoadedFunction {
  if (typeof exported !== 'function' && (typeof exported !== 'object' || exported === null)) {
    throw new TypeError(
      `the default export must be a function or an object with "run", got ${show(exported)}`,
    );
  }
  const definition = parse(definitionSchema, typeof exported === 'function' ? { run: exported } : exported);
  const threads = definition.threads ?? false;
  if (threads && source.file === undefined) {
    throw new TypeError('threads: a function in threads must come from a file');
  }
  const { run } = definition;
  return {
    name: parse(functionName, definition.name ?? source.name, 'name'),
    description: definition.description,
    slots: source.slots ?? definition.slots ?? (threads ? availableParallelism() : DEFAULT_SLOTS),
    group: source.group ?? definition.group,
    threads,
    file: source.file,
    inputSchema: jsonSchema(definition.input, 'input'),
    outputSchema: jsonSchema(definition.output, 'output'),
    input: definition.input,
    output: definition.output,
    // Called as a method of what was exported, so that a definition may use `this`.
    handler: typeof exported === 'function' ? run : (input, context) => run.call(exported, input, context),
  };
}

function parse<T>(by: z.ZodType<T>, value: unknown, field = 'the default export'): T {
  const read = by.safeParse(value, { reportInput: true });
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  const at = issue?.path.join('.') || field;
  if (issue?.code === 'unrecognized_keys') {
    const allowed = Object.keys(definitionSchema.shape).join(', ');
    throw new TypeError(`${at}: unknown field "${issue.keys.join('", "')}"; allowed are ${allowed}`);
  }
  throw new TypeError(`${at}: ${issue?.message}, got ${show(issue?.input)}`);
}

function show(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number'
    ? JSON.stringify(value).slice(0, 100)
    : typeof value;
}

/** What JSON Schema cannot say is left open: the zod schema validates it here in any case. */
function jsonSchema(from: z.ZodType | undefined, io: 'input' | 'output'): object | undefined {
  if (from === undefined) return undefined;
  try {
    return z.toJSONSchema(from, { io, unrepresentable: 'any' });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TypeError(`${io}: cannot be written as JSON Schema: ${reason}`);
  }
}
