import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutProblems } from '../../scripts/layout.ts';

const FORBIDDEN: [path: string, imports: string][] = [
  ['protocol/a.ts', '../lib/bus.ts'],
  ['protocol/a.ts', 'node:fs'],
  ['lib/a.ts', '../protocol/call.ts'],
  ['lib/a.ts', 'nats'],
  ['lib/a.ts', 'hono'],
  ['lib/nats-link.ts', '../protocol/call.ts'],
  ['lib/nats-link.ts', 'hono'],
  ['observe/a.ts', '../gateway/metrics.ts'],
  ['observe/a.ts', 'nats'],
  ['load/a.ts', '../observe/observer.ts'],
  ['load/a.ts', '../workers/api/index.ts'],
  ['workers/api/a.ts', '../../gateway/metrics.ts'],
  ['workers/run/a.ts', '../../observe/observer.ts'],
  ['workers/a.ts', 'hono'],
  ['workers/a.ts', 'nats'],
  ['gateway/a.ts', '../workers/api/index.ts'],
  ['gateway/http/a.ts', '../../load/load.ts'],
  ['gateway/a.ts', '../cli/version.ts'],
  ['gateway/a.ts', 'nats'],
  ['gateway/dispatch/a.ts', '../http/request.ts'],
  ['gateway/dispatch/a.ts', '../routes/base.ts'],
  ['gateway/dispatch/a.ts', 'hono'],
  ['gateway/dispatch/placement.ts', '../../lib/bus.ts'],
  ['gateway/dispatch/call.ts', '../../lib/deadlines.ts'],
  ['gateway/dispatch/wait-queue.ts', './dispatcher.ts'],
  ['gateway/dispatch/worker-table.ts', 'pino'],
  ['gateway/dispatch/run-time.ts', 'node:timers'],
  ['cli/a.ts', '../experiments/lab/lab.ts'],
  ['cli/a.ts', '../test/support/until.ts'],
  ['cli/a.ts', 'hono/accepts'],
  ['examples/a.mjs', '../workers/api/index.ts'],
  ['examples/a.mjs', 'piscina'],
  ['scripts/a.mjs', '../lib/bus.ts'],
];

for (const [path, imports] of FORBIDDEN) {
  test(`${path} may not import ${imports}`, () => {
    const [problem, ...more] = layoutProblems(path, `import { a } from '${imports}';\n`);
    assert.match(problem ?? 'none', / imports .*; allowed are /);
    assert.deepEqual(more, []);
  });
}

const ALLOWED: [path: string, imports: string][] = [
  ['protocol/a.ts', 'zod'],
  ['lib/nats-link.ts', 'nats'],
  ['gateway/routes/a.ts', 'hono/accepts'],
  ['gateway/routes/a.ts', '../dispatch/dispatcher.ts'],
  ['gateway/dispatch/placement.ts', './worker-table.ts'],
  ['gateway/dispatch/dispatcher.ts', '../../lib/bus.ts'],
  ['workers/serve/a.ts', '../api/define.ts'],
  ['cli/a.ts', '../gateway/gateway.ts'],
  ['examples/a.mjs', 'now-or-never'],
  ['experiments/lab/a.ts', '../../gateway/gateway.ts'],
];

for (const [path, imports] of ALLOWED) {
  test(`${path} may import ${imports}`, () => {
    assert.deepEqual(layoutProblems(path, `import { a } from '${imports}';\n`), []);
  });
}

for (const statement of [
  "import type { Bus } from '../lib/bus.ts';",
  "import {\n  a,\n  type B,\n} from '../lib/bus.ts';",
  "import '../lib/bus.ts';",
  "export * from '../lib/bus.ts';",
  "export { a } from '../lib/bus.ts';",
  "const bus = await import('../lib/bus.ts');",
]) {
  test(`an import is seen in ${JSON.stringify(statement)}`, () => {
    const problems = layoutProblems(
      'protocol/a.ts',
      `const before = 'x';\n${statement}\nconst after = 'y';\n`,
    );
    assert.deepEqual(problems, ['protocol/a.ts: imports ./lib/bus.ts; allowed are ./protocol/*, zod']);
  });
}

test('a call may import the type of a deadline', () => {
  const source = "import type { Expiring } from '../../lib/deadlines.ts';\n";
  assert.deepEqual(layoutProblems('gateway/dispatch/call.ts', source), []);
});

test('a file in a folder without a rule is an error', () => {
  assert.match(layoutProblems('plugins/a.ts', '').join(), /no import rule/);
});

test('a file has at most 300 lines', () => {
  assert.deepEqual(layoutProblems('lib/a.ts', '// line\n'.repeat(300)), []);
  assert.deepEqual(layoutProblems('lib/a.ts', '// line\n'.repeat(301)), [
    'lib/a.ts: 301 lines must be at most 300',
  ]);
});

test('a test may be longer', () => {
  assert.deepEqual(layoutProblems('test/lib/a.test.ts', '// line\n'.repeat(301)), []);
});
