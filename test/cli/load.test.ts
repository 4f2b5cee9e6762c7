import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { loadCommand } from '../../cli/load.ts';
import { OptionsError } from '../../lib/options.ts';
import { problem, serve } from '../load/harness.ts';
import { runCommand } from '../support/cli.ts';
import { until } from '../support/until.ts';

const LIMIT = { timeout: 60_000 };
const QUICK = ['--rate', '50', '--seconds', '0.3', '--seed', '1'];

test(
  'the summary is a table on standard output, with exit code 0 whatever the answers were',
  LIMIT,
  async (t) => {
    const url = await serve(t, (_, response) =>
      problem(response, 500, { code: 'handler_error', started: 'yes' }),
    );
    const ran = runCommand(t, ['load', url, '--function', 'f', ...QUICK]);
    assert.deepEqual(await ran.ended, { code: 0, signal: null });
    assert.match(ran.output, /^\d+ calls by 1 client in 0\.3 s \(.*\n/);
    assert.match(ran.output, /^500 +handler_error +yes +\d+ +100\.0 %$/m);
    assert.match(ran.output, /^failures( +[\d.]+){5}$/m);
    assert.match(ran.output, /seed 1\n$/);
  },
);

test('--json prints one object and nothing else', LIMIT, async (t) => {
  const url = await serve(t, (_, response) => response.end());
  const ran = runCommand(t, ['load', url, '--function', 'f', '--json', ...QUICK]);
  assert.equal((await ran.ended).code, 0);
  const summary: Record<string, unknown> = JSON.parse(ran.output);
  assert.equal(ran.output.indexOf('\n'), ran.output.length - 1);
  assert.ok(Number(summary.results) > 5);
  assert.equal(summary.results, summary.offered);
  assert.equal(summary.seed, 1);
});

test(
  'addresses without a path get the function, the others are called as they are, all with the body',
  LIMIT,
  async (t) => {
    const seen = new Set<string>();
    const url = await serve(t, async (request, response) => {
      seen.add(
        [
          request.url,
          request.headers['content-type'],
          request.headers['request-timeout'],
          await text(request),
        ].join(' '),
      );
      response.end();
    });
    const folder = await mkdtemp(join(tmpdir(), 'load-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'body'), '{"task":1}');
    const body = `@${join(folder, 'body')}`;
    const args = [
      'load',
      url,
      `${url}/own?x=1`,
      '--function',
      'job',
      '--body',
      body,
      '--deadline-ms',
      '1500',
      ...QUICK,
    ];
    assert.equal((await runCommand(t, args).ended).code, 0);
    assert.deepEqual(
      [...seen].sort(),
      ['/functions/job', '/own?x=1'].map((path) => `${path} application/json 1.5 {"task":1}`),
    );
  },
);

test('--notebook sends the users of the notebook', LIMIT, async (t) => {
  const bodies: string[] = [];
  const url = await serve(t, async (request, response) => {
    bodies.push(await text(request));
    response.end();
  });
  const args = [
    'load',
    url,
    '--function',
    'job',
    '--notebook',
    '--clients',
    '20',
    '--seconds',
    '1',
    '--seed',
    '1',
  ];
  const ran = runCommand(t, args);
  assert.equal((await ran.ended).code, 0);
  assert.match(ran.output, / by 20 clients in 1\.0 s /);
  // Twenty clients with 0.75 s between calls on average: about 27 calls.
  assert.ok(bodies.length > 15 && bodies.length < 45, `${bodies.length} calls`);
  const users = bodies.map((body): number => JSON.parse(body).user_id).sort((a, b) => a - b);
  assert.deepEqual(users, [...bodies.keys()]);
});

test('a polite client says that it pauses', LIMIT, async (t) => {
  const url = await serve(t, (_, response) =>
    problem(response, 503, { code: 'no_responders', started: 'no' }, { 'Retry-After': '10' }),
  );
  const ran = runCommand(t, ['load', url, '--function', 'f', '--polite', ...QUICK]);
  assert.equal((await ran.ended).code, 0);
  assert.match(ran.errors, /^client 1 pauses for 10 s: 503 no_responders\n/);
  assert.match(ran.output, /^1 pause; \d+ calls due in them not sent$/m);
});

test('when nothing answers at all it says so and exits with 1', LIMIT, async (t) => {
  const ran = runCommand(t, ['load', 'http://127.0.0.1:1/x', ...QUICK]);
  assert.deepEqual(await ran.ended, { code: 1, signal: null });
  assert.match(
    ran.errors,
    /^now-or-never load: nothing answered at http:\/\/127\.0\.0\.1:1\/x: ECONNREFUSED$/m,
  );
  assert.match(ran.output, /^0 +ECONNREFUSED +\d+ +100\.0 %$/m);
});

test('Ctrl-C ends it early, with the summary', LIMIT, async (t) => {
  let received = 0;
  const url = await serve(t, (_, response) => {
    received++;
    response.end();
  });
  const ran = runCommand(t, ['load', url, '--function', 'f', '--rate', '100', '--seconds', '600', '--json']);
  await until(() => (received > 5 ? true : undefined), 30_000, 'calls');
  ran.child.kill('SIGINT');
  assert.deepEqual(await ran.ended, { code: 0, signal: null });
  const summary: Record<string, unknown> = JSON.parse(ran.output);
  assert.equal(summary.results, received);
  assert.ok(Number(summary.sendingMs) < 60_000);
});

test('after a Ctrl-C answers are not waited for longer than a call may take', LIMIT, async (t) => {
  let received = 0;
  const url = await serve(t, (_, response) => {
    if (received++ === 0) response.end();
  });
  const args = ['load', url, '--function', 'f', '--rate', '100', '--seconds', '600', '--deadline-ms', '100'];
  const ran = runCommand(t, args);
  await until(() => (received > 5 ? true : undefined), 30_000, 'calls');
  ran.child.kill('SIGINT');
  assert.deepEqual(await ran.ended, { code: 0, signal: null });
  assert.match(ran.errors, /^waiting up to 1\.1 s for \d+ answers; press Ctrl-C again to exit at once$/m);
  assert.match(ran.output, /^0 +aborted /m);
});

test('a second Ctrl-C ends it at once', LIMIT, async (t) => {
  let received = 0;
  const url = await serve(t, () => received++);
  const ran = runCommand(t, ['load', url, '--function', 'f', '--rate', '100', '--seconds', '600']);
  await until(() => (received > 5 ? true : undefined), 30_000, 'calls');
  ran.child.kill('SIGINT');
  await until(() => (ran.errors.includes('waiting up to') ? true : undefined), 10_000, 'the first Ctrl-C');
  ran.child.kill('SIGINT');
  assert.deepEqual(await ran.ended, { code: 130, signal: null });
});

test(
  'the real gateway is called: results of echo, no_responders for a function that nobody serves',
  LIMIT,
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'load-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    await writeFile(join(folder, 'echo.mjs'), 'export default (input) => input;');
    const flags = ['--port', '0', '--admin-port', '0', '--processes', '1', '--no-watch'];
    const dev = runCommand(t, ['dev', folder, ...flags]);
    const [, baseUrl = ''] = await dev.said(/(http:\/\/127\.0\.0\.1:\d+) is ready/);
    const run = async (fn: string) => {
      const ran = runCommand(t, ['load', baseUrl, '--function', fn, '--body', '{"a":1}', '--json', ...QUICK]);
      assert.equal((await ran.ended).code, 0);
      const { outcomes }: { outcomes: { status: number; code: string; started?: string }[] } = JSON.parse(
        ran.output,
      );
      return outcomes.map(({ status, code, started }) => [status, code, started]);
    };
    assert.deepEqual(await run('echo'), [[200, 'ok', undefined]]);
    assert.deepEqual(await run('nobody'), [[503, 'no_responders', 'no']]);
    dev.child.kill('SIGINT');
    assert.equal((await dev.ended).code, 0);
  },
);

const refused: readonly [args: string[], message: string][] = [
  [[], 'load needs --function <name>, or addresses with a path'],
  [['https://a/x'], 'the address "https://a/x" must be like http://host:port'],
  [['127.0.0.1:8080'], 'the address "127.0.0.1:8080" must be like http://host:port'],
  [['http://me:secret@a/x'], 'an address must not contain a user or password'],
  [
    ['http://a/x', '--notebook', '--rate', '5'],
    '--notebook and --rate cannot be combined: --notebook has its own rate',
  ],
  [
    ['http://a/x', '--notebook', '--body', 'x'],
    '--notebook and --body cannot be combined: --notebook has its own bodies',
  ],
  [['http://a/x', '--rate', '0'], '--rate 0 must be at least 0.001'],
  [['http://a/x', '--rate', 'fast'], '--rate fast must be a number, 0.001 to 100000'],
  [['http://a/x', '--seconds', '1e3'], '--seconds 1e3 must be a number, 0.001 to 86400'],
  [['http://a/x', '--clients', '0'], '--clients 0 must be at least 1'],
  [['--function', 'a/b'], '--function a/b must be 1 to 64 of the characters A-Z a-z 0-9 _ -'],
];

for (const [args, message] of refused) {
  test(`load refuses ${JSON.stringify(args)}`, async () => {
    await assert.rejects(async () => loadCommand.prepare(args, {}), new OptionsError(message));
  });
}

test('a body that cannot be read is refused, with exit code 2', LIMIT, async (t) => {
  const ran = runCommand(t, ['load', 'http://a/x', '--body', '@/nowhere/body']);
  assert.deepEqual(await ran.ended, { code: 2, signal: null });
  assert.match(ran.errors, /^now-or-never load: --body @\/nowhere\/body cannot be read: ENOENT.*\n$/);
});
