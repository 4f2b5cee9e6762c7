import { posix } from 'node:path';

/**
 * Who may import whom, and how long a file may be. `check-layout.ts` runs this over the repository.
 *
 * A row names files (a path, or a prefix that ends with `*`) and all that they may import: files of the repository
 * (they begin with `./`), packages, or a prefix of either that ends with `*`. `types` is what they may import with
 * `import type` only. The last row that names a file is its rule; a file that no row names is an error, so that a
 * new folder gets a row.
 */
export interface ImportRule {
  readonly files: readonly string[];
  readonly may: readonly string[];
  readonly types?: readonly string[];
}

const PURE = [
  'contract',
  'placement',
  'call',
  'delivery-base',
  'wait-queue',
  'worker-entry',
  'worker-table',
  'liveness',
  'drain-rate',
  'run-time',
].map((name) => `./gateway/dispatch/${name}.ts`);

export const IMPORT_RULES: readonly ImportRule[] = [
  { files: ['./protocol/*'], may: ['./protocol/*', 'zod'] },
  { files: ['./lib/*'], may: ['./lib/*', 'node:*', 'pino', 'pino-pretty', 'zod'] },
  // The one place that knows the NATS client; everybody else has the port in `lib/bus.ts`.
  { files: ['./lib/nats*'], may: ['./lib/*', 'node:*', 'pino', 'nats'] },
  { files: ['./observe/*'], may: ['./observe/*', './protocol/*', './lib/*', 'node:*'] },
  { files: ['./load/*'], may: ['./load/*', './protocol/*', './lib/*', 'node:*', 'hdr-histogram-js'] },
  {
    files: ['./workers/*'],
    may: ['./workers/*', './protocol/*', './lib/*', 'node:*', 'pino', 'piscina', 'zod'],
  },
  {
    files: ['./gateway/*'],
    may: [
      ...['./gateway/*', './protocol/*', './lib/*', './observe/*'],
      ...['node:*', 'hono', '@hono/node-server', 'pino', 'prom-client', 'yaml', 'zod'],
    ],
  },
  // Dispatch does not know that its callers come by HTTP.
  {
    files: ['./gateway/dispatch/*'],
    may: ['./gateway/dispatch/*', './gateway/failures.ts', './protocol/*', './lib/*', 'pino'],
  },
  // They decide and keep state. They send nothing, log nothing and read no clock.
  {
    files: PURE,
    may: [...PURE, './gateway/failures.ts', './protocol/*'],
    types: ['./lib/deadlines.ts', './lib/inbox.ts'],
  },
  {
    files: ['./cli/*'],
    may: [
      ...['./cli/*', './gateway/*', './workers/*', './observe/*', './load/*', './lib/*', './protocol/*'],
      ...['node:*', 'pino', 'zod'],
    ],
  },
  // As a user writes them: what they need of this repository they get from the installed package.
  { files: ['./examples/*'], may: ['now-or-never', 'node:*', 'nats', 'sharp', 'zod'] },
  { files: ['./scripts/*'], may: ['./scripts/*', 'node:*'] },
  { files: ['./experiments/*', './test/*'], may: ['*'] },
  { files: ['./knip.config.js', './stryker.config.js'], may: [] },
];

/** Outside `test/`, where a table of cases may be as long as it needs. */
export const MAX_LINES = 300;

/** What is wrong with a source file, one line each. `path` is relative to the root of the repository. */
export function layoutProblems(path: string, source: string): string[] {
  return [...importProblems(path, source), ...lengthProblems(path, source)];
}

function importProblems(path: string, source: string): string[] {
  const rule = IMPORT_RULES.findLast(({ files }) => matches(files, `./${path}`));
  if (rule === undefined) return [`${path}: no import rule names this file, see scripts/layout.ts`];
  return importsOf(source).flatMap(({ specifier, isType }) => {
    const target = specifier.startsWith('.') ? `./${posix.join(posix.dirname(path), specifier)}` : specifier;
    if (matches(rule.may, target) || (isType && matches(rule.types ?? [], target))) return [];
    const allowed = [...rule.may, ...(rule.types ?? []).map((type) => `types of ${type}`)].join(', ');
    return [`${path}: imports ${target}; allowed are ${allowed}`];
  });
}

function lengthProblems(path: string, source: string): string[] {
  const lines = source.trimEnd().split('\n').length;
  if (path.startsWith('test/') || lines <= MAX_LINES) return [];
  return [`${path}: ${lines} lines must be at most ${MAX_LINES}`];
}

/** Relies on the formatter: statements begin a line, specifiers are in single quotes. */
const IMPORT =
  /^(?:import|export)\b(?<type> type\b)?[^'"`;]*?\bfrom '(?<from>[^']+)'|\bimport(?: |\()'(?<bare>[^']+)'/gm;

function importsOf(source: string): { specifier: string; isType: boolean }[] {
  return [...source.matchAll(IMPORT)].map(({ groups = {} }) => ({
    specifier: groups.from ?? groups.bare ?? '',
    isType: groups.type !== undefined,
  }));
}

function matches(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    if (pattern.endsWith('*')) return name.startsWith(pattern.slice(0, -1));
    // A package, or a part of it such as `hono/accepts`.
    return name === pattern || name.startsWith(`${pattern}/`);
  });
}
