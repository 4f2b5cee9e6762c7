import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';

/** The version of this program; `unknown` without its package.json. */
export function version(): string {
  // The source is one folder below package.json, the build two.
  const files = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  const file = files.find((candidate) => existsSync(candidate));
  if (file === undefined) return 'unknown';
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
