import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../../cli/commands.ts';
import { runCommand } from '../support/cli.ts';

// What a command loads decides how long it takes to start.

const LIMIT = { timeout: 60_000 };
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RECORDER = new URL('../support/record-modules.mjs', import.meta.url);
const PACKAGE = /.*\/node_modules\/(?<name>(?:@[^/]+\/)?[^/]+)\//;
/** Not there when the build runs. */
const RUNS_THE_SOURCE = ['tsx', 'esbuild'];
const NO_BROKER = 'nats://127.0.0.1:1';

/** What a command loads in its own process until it ends, or says `ready`: files of the repository, and packages. */
async function loaded(t: TestContext, args: readonly string[], ready?: RegExp): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'modules-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const ran = runCommand(t, args, {
    env: { NATS_URL: NO_BROKER, NODE_OPTIONS: `--import ${RECORDER}`, MODULES_FOLDER: folder },
  });
  if (ready !== undefined) {
    await ran.said(ready);
    ran.child.kill('SIGTERM');
  }
  assert.equal((await ran.ended).code, 0, ran.errors);
  const urls = await readFile(join(folder, String(ran.child.pid)), 'utf8');
  const names = new Set(
    urls
      .trim()
      .split('\n')
      .filter((url) => url.startsWith('file:'))
      .map(nameOf),
  );
  return [...names].filter((name) => !RUNS_THE_SOURCE.includes(name));
}

/** `cli/main.ts`, or the name of a package. */
function nameOf(url: string): string {
  const path = fileURLToPath(new URL(url));
  return PACKAGE.exec(path)?.groups?.name ?? relative(ROOT, path);
}

const isPackage = (name: string) => !name.endsWith('.ts');

const isPartOf = (parts: readonly string[]) => (name: string) =>
  parts.some((part) => name === part || name.startsWith(`${part}/`));

for (const args of [['--help'], ['--version'], ['help']]) {
  test(`"${args[0]}" loads no command and no package`, LIMIT, async (t) => {
    const names = await loaded(t, args);
    assert.deepEqual(names.toSorted(), ['cli/commands.ts', 'cli/main.ts', 'cli/run.ts', 'cli/version.ts']);
  });
}

const PARTS = ['gateway', 'workers', 'observe', 'load'];

for (const name of ['gateway', 'worker', 'top', 'load']) {
  test(`"${name} --help" loads settings and nothing that runs`, LIMIT, async (t) => {
    const names = await loaded(t, [name, '--help']);
    assert.ok(names.includes(`cli/${name}.ts`));
    assert.deepEqual(names.filter(isPartOf([...PARTS, 'lib/log.ts', 'lib/nats.ts'])), []);
    assert.deepEqual(names.filter(isPackage), ['zod']);
    const others = COMMANDS.filter((other) => other.name !== name).map((other) => `cli/${other.name}.ts`);
    assert.deepEqual(names.filter(isPartOf(others)), []);
  });
}

const RUNS: readonly [args: string[], needs: string, notNeeded: string[]][] = [
  [
    ['gateway', '--port', '0', '--admin-port', '0'],
    'gateway',
    ['workers', 'observe', 'load', 'piscina', 'hdr-histogram-js'],
  ],
  [
    ['gateway', '--processes', '2', '--port', '0', '--admin-port', '0'],
    'gateway/processes',
    ['gateway/gateway.ts', 'gateway/dispatch', 'nats', 'lib/nats.ts', 'workers', 'observe', 'load'],
  ],
  [
    ['worker', 'examples/echo.mjs'],
    'workers',
    [
      'gateway',
      'observe',
      'load',
      'hono',
      '@hono/node-server',
      'prom-client',
      'yaml',
      'hdr-histogram-js',
      'nats',
    ],
  ],
];

for (const [args, needs, notNeeded] of RUNS) {
  test(`"${args.join(' ')}" loads ${needs} and not ${notNeeded.join(', ')}`, LIMIT, async (t) => {
    const names = await loaded(t, args, /"msg":"ready"/);
    assert.ok(names.some(isPartOf([needs])));
    assert.deepEqual(names.filter(isPartOf(notNeeded)), []);
  });
}
