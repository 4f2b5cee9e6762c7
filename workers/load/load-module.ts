import { createRequire } from 'node:module';
import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { withTimeout } from '../../lib/with-timeout.ts';
import { oneLine } from '../../protocol/reply.ts';
import { type DefinitionSource, type LoadedFunction, readDefinition } from '../api/define.ts';
import { describeError } from '../run/describe-error.ts';

const require = createRequire(import.meta.url);

/** Milliseconds that the top level of a module may take. */
const LOAD_LIMIT_MS = 10_000;

/** The module is in order but exports no function by default. */
export class NoDefaultExport extends Error {
  override readonly name = 'NoDefaultExport';
}

/** Imports one module and validates its default export. Rejects with an Error whose message is one line for people. */
export async function loadFunction(
  file: string,
  source: Omit<DefinitionSource, 'file'> = {},
): Promise<LoadedFunction> {
  const exported = await defaultExport(file);
  if (exported === undefined) throw new NoDefaultExport('it has no default export');
  return readDefinition(exported, { name: basename(file, extname(file)), ...source, file });
}

async function defaultExport(file: string): Promise<unknown> {
  let module: object;
  try {
    module = await withTimeout(imported(file), LOAD_LIMIT_MS, () => {
      throw new Error(`its top level did not finish within ${LOAD_LIMIT_MS} ms`);
    });
  } catch (error) {
    throw new Error(loadFailure(error), { cause: error });
  }
  const exported: unknown = Reflect.get(module, 'default');
  // A CommonJS module that was compiled from ESM keeps its default export one level deeper.
  const compiled = typeof exported === 'object' && exported !== null && Reflect.get(exported, '__esModule');
  return compiled === true && typeof exported === 'object' && exported !== null
    ? Reflect.get(exported, 'default')
    : exported;
}

/** On Node 20 the hooks of tsx reach worker threads for `require` alone, so that is the second try. */
async function imported(file: string): Promise<object> {
  try {
    return await import(pathToFileURL(file).href);
  } catch (error) {
    if (!isUnknownExtension(error) || require.extensions['.ts'] === undefined) throw error;
    return require(file);
  }
}

/** Why a module could not be imported, in one line for people. */
export function loadFailure(error: unknown): string {
  if (isUnknownExtension(error)) {
    return `Node ${process.versions.node} cannot run TypeScript by itself: compile it to JavaScript, or start with "--import tsx"`;
  }
  const { type, message } = describeError(error);
  return oneLine(`${type}: ${message}`);
}

function isUnknownExtension(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}
