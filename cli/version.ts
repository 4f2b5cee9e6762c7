import { existsSync, readFileSync } from 'node:fs';

/** The version of this program; `unknown` without its package.json. */
export function version(): string {
  // The source is one folder below package.json, the build two.
  const files = ['../package.json', '../../package.json'].map((path) => new URL(path, import.meta.url));
  const file = files.find((candidate) => existsSync(candidate));
  if (file === undefined) return 'unknown';
  const { version }: { version?: unknown } = JSON.parse(readFileSync(file, 'utf8'));
  return typeof version === 'string' ? version : 'unknown';
}
