import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Logger } from 'pino';
import type { LoadedFunction } from '../api/define.ts';
import { describeError } from '../run/describe-error.ts';
import { loadFunction, NoDefaultExport } from './load-module.ts';

/** How functions are loaded. */
export interface LoadFunctionsOptions {
  readonly log: Logger;
  /** Stands in for the slots of every definition. */
  readonly slots?: number | undefined;
  /** Stands in for the group of every definition. */
  readonly group?: string | undefined;
}

/** What was loaded, and what was not: one failure harms no other function. */
export interface LoadedFunctions {
  readonly functions: LoadedFunction[];
  readonly failed: { readonly file: string; readonly reason: string }[];
}

interface HandlerFile {
  readonly file: string;
  /** Named by the user, not found in a folder. */
  readonly named: boolean;
}

/** In folders: `_` and `.` in front and tests are not for serving. */
const HANDLER_FILE = /^[^_.].*\.(mjs|js|ts)$/;
const OTHER_FILE = /\.(d|test)\.(mjs|js|ts)$|\.test\.[^.]+\.(mjs|js|ts)$/;

/**
 * Loads the functions of files and of folders (their direct `.mjs`, `.js` and `.ts` files), ordered by path. Of
 * two functions with one name the first counts. Never rejects.
 */
export async function loadFunctions(
  paths: readonly string[],
  options: LoadFunctionsOptions,
): Promise<LoadedFunctions> {
  const result: LoadedFunctions = { functions: [], failed: [] };
  const candidates = new Map<string, HandlerFile>();
  for (const path of paths) {
    try {
      for (const candidate of await candidatesAt(path)) {
        if (candidate.named || !candidates.has(candidate.file)) candidates.set(candidate.file, candidate);
      }
    } catch (error) {
      result.failed.push({ file: path, reason: unreadable(error) });
    }
  }
  const loading = [...candidates.values()].map((candidate) => load(candidate, options));
  for (const { file, fn, reason } of await Promise.all(loading)) {
    const twin = result.functions.find((other) => other.name === fn?.name);
    if (fn === undefined) {
      if (reason !== undefined) result.failed.push({ file, reason });
    } else if (twin !== undefined) {
      result.failed.push({ file, reason: `the name "${fn.name}" is taken by ${twin.file}` });
    } else {
      result.functions.push(fn);
    }
  }
  return result;
}

interface LoadAttempt {
  readonly file: string;
  readonly fn?: LoadedFunction;
  readonly reason?: string;
}

async function load(
  { file, named }: HandlerFile,
  { log, slots, group }: LoadFunctionsOptions,
): Promise<LoadAttempt> {
  try {
    return { file, fn: await loadFunction(file, { slots, group }) };
  } catch (error) {
    if (error instanceof NoDefaultExport && !named) {
      log.debug({ file }, 'no default export, so no function');
      return { file };
    }
    return { file, reason: describeError(error).message };
  }
}

/** Links are not followed to their targets' names: the function is called what the link is called. */
async function candidatesAt(path: string): Promise<HandlerFile[]> {
  const absolute = resolve(path);
  if (!(await stat(absolute)).isDirectory()) return [{ file: absolute, named: true }];
  const entries = await readdir(absolute, { withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory() && HANDLER_FILE.test(entry.name) && !OTHER_FILE.test(entry.name))
    .map((entry) => ({ file: join(absolute, entry.name), named: false }))
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

function unreadable(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return code === 'ENOENT' ? 'no such file or folder' : describeError(error).message;
}
