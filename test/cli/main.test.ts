import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Command } from '../../cli/command.ts';
import { COMMANDS } from '../../cli/commands.ts';
import { devCommand } from '../../cli/dev.ts';
import { gatewayCommand } from '../../cli/gateway.ts';
import { workerCommand } from '../../cli/worker.ts';
import { OptionsError } from '../../lib/options.ts';
import { runCommand } from '../support/cli.ts';

const LIMIT = { timeout: 30_000 };

const answers: readonly [args: string[], code: number, output: RegExp, errors: RegExp][] = [
  [[], 0, /dev .*\n.*gateway .*\n.*worker </s, /^$/],
  [['--help'], 0, /^usage: now-or-never <command>/, /^$/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/, /^$/],
  [['serve'], 2, /^$/, /^now-or-never: unknown command "serve", must be one of dev, gateway, worker, .*\n$/],
  [['gateway', '--port', '99999'], 2, /^$/, /^now-or-never gateway: --port 99999 must be at most 65535\n$/],
  [['worker'], 2, /^$/, /^now-or-never worker: worker needs at least one file or folder with functions\n$/],
];

for (const [args, code, output, errors] of answers) {
  test(`"now-or-never ${args.join(' ')}" has exit code ${code}`, LIMIT, async (t) => {
    const ran = runCommand(t, args);
    assert.deepEqual(await ran.ended, { code, signal: null });
    assert.match(ran.output, output);
    assert.match(ran.errors, errors);
  });
}

for (const { name, load } of COMMANDS) {
  test(`"${name} --help" lists every setting`, LIMIT, async (t) => {
    const command = await load();
    const ran = runCommand(t, [name, '--help', '--port', 'wrong']);
    assert.equal((await ran.ended).code, 0);
    for (const [key, { help, defaultText }] of Object.entries(command.settings)) {
      const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      assert.match(
        ran.output,
        new RegExp(`  --(\\[no-\\])?${flag} .*${flag.replaceAll('-', '_').toUpperCase()} `),
      );
      assert.ok(ran.output.includes(`default: ${defaultText}\n      ${help}\n`), key);
    }
  });
}

const refused: readonly [command: Command, args: string[], env: Record<string, string>, message: string][] = [
  [gatewayCommand, ['now'], {}, 'gateway takes no arguments, got 1'],
  [
    gatewayCommand,
    ['--deadline-ms', '40000'],
    {},
    '--deadline-ms 40000 must be at most --max-deadline-ms 30000',
  ],
  [gatewayCommand, [], { DEADLINE_MS: '2147483648' }, 'DEADLINE_MS=2147483648 must be at most 3600000'],
  [
    gatewayCommand,
    ['--host', 'a b'],
    {},
    '--host "a b" must be an address or a host name, without brackets and port',
  ],
  [
    gatewayCommand,
    ['--subject-prefix', 'now.>'],
    {},
    '--subject-prefix now.> must be tokens of A-Z a-z 0-9 _ - separated by dots, at most 128 characters',
  ],
  [
    workerCommand,
    ['x', '--group', 'a b'],
    {},
    '--group "a b" must be 1 to 128 of the characters A-Z a-z 0-9 _ -',
  ],
  [workerCommand, ['x', '--processes', '0'], {}, '--processes 0 must be at least 1'],
  [workerCommand, ['x', '--port', '1'], {}, 'unknown option --port, see --help'],
  [
    workerCommand,
    ['x'],
    { LOG_LEVEL: 'loud' },
    'LOG_LEVEL=loud must be one of trace, debug, info, warn, error, fatal, silent',
  ],
  [devCommand, ['nowhere'], {}, 'there is no file or folder nowhere'],
];

for (const [command, args, env, message] of refused) {
  test(`${JSON.stringify(args)} with ${JSON.stringify(env)} is refused: ${message}`, async () => {
    await assert.rejects(async () => command.prepare(args, env), new OptionsError(message));
  });
}

test('a wrong server list is refused without its password', async () => {
  const natsUrl = 'http://user:geheim@host';
  await assert.rejects(
    async () => gatewayCommand.prepare(['--nats-url', natsUrl], {}),
    (error) => error instanceof OptionsError && !error.message.includes('geheim'),
  );
});

test('a gateway whose port is taken says so in one line and exits with 1', LIMIT, async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  t.after(() => taken.close());
  await new Promise((resolve) => taken.once('listening', resolve));
  const address = taken.address();
  assert.ok(typeof address === 'object' && address !== null);
  const args = ['--port', String(address.port), '--admin-port', '0', '--log-level', 'silent'];
  const ran = runCommand(t, ['gateway', ...args], { env: { NATS_URL: 'nats://127.0.0.1:1' } });
  assert.deepEqual(await ran.ended, { code: 1, signal: null });
  assert.equal(ran.errors, `now-or-never gateway: port ${address.port} on 127.0.0.1 is taken\n`);
});

test('a gateway without a broker starts, and SIGTERM ends it with exit code 0', LIMIT, async (t) => {
  const ran = runCommand(t, ['gateway', '--port', '0', '--admin-port', '0'], {
    env: { NATS_URL: 'nats://127.0.0.1:1' },
  });
  await ran.said(/"msg":"ready"/);
  ran.child.kill('SIGTERM');
  assert.deepEqual(await ran.ended, { code: 0, signal: null });
  for (const line of ran.output.trim().split('\n')) assert.doesNotThrow(() => JSON.parse(line), line);
});

test('a worker without a function says so in one line and exits with 1', LIMIT, async (t) => {
  const ran = runCommand(t, ['worker', '/nowhere.mjs'], { env: { NATS_URL: 'nats://127.0.0.1:1' } });
  assert.deepEqual(await ran.ended, { code: 1, signal: null });
  assert.equal(
    ran.errors,
    'now-or-never worker: no function could be loaded from /nowhere.mjs (/nowhere.mjs: no such file or folder)\n',
  );
});

test('a worker without a broker starts, and SIGTERM ends it with exit code 0', LIMIT, async (t) => {
  const ran = runCommand(t, ['worker', 'examples/echo.mjs'], { env: { NATS_URL: 'nats://127.0.0.1:1' } });
  await ran.said(/"functions":\["echo"\]/);
  ran.child.kill('SIGTERM');
  assert.deepEqual(await ran.ended, { code: 0, signal: null });
});
