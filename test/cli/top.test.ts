import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { topCommand } from '../../cli/top.ts';
import { OptionsError } from '../../lib/options.ts';
import { runCommand } from '../support/cli.ts';
import { startSystem } from '../support/system.ts';

const LIMIT = { timeout: 60_000 };

test('arguments and wrong settings are refused', async () => {
  const refused = (args: string[], message: RegExp) =>
    assert.rejects(
      async () => topCommand.prepare(args, {}),
      (error) => error instanceof OptionsError && message.test(error.message),
    );
  await refused(['job'], /top takes no arguments, got 1/);
  await refused(['--every-ms', '10'], /must be at least 100/);
});

test('--once shows a table of every function, with rates, and ends', LIMIT, async (t) => {
  const { nats, client } = await startSystem(t);
  const calling = new AbortController();
  const calls = (async () => {
    while (!calling.signal.aborted) await client.call('show', { a: 1 });
  })();
  const ran = runCommand(t, ['top', '--once', '--every-ms', '700', '--nats-url', nats.url]);
  assert.deepEqual(await ran.ended, { code: 0, signal: null }, ran.errors);
  calling.abort();
  await calls;
  const [head = '', , columns = '', ...rows] = ran.output.trimEnd().split('\n');
  assert.match(head, /^\d\d:\d\d:\d\d {2}\d+ functions {2}1 worker {2}\d+ of \d+ slots running {2}0 parked$/);
  assert.match(columns, /^FUNCTION +GROUP +SLOTS +FREE +RUNNING +BUFFERED +PARKED +DONE\/S/);
  const show = rows.find((row) => row.startsWith('show '))?.split(/ +/) ?? [];
  assert.deepEqual([show[1], show[2], show[6]], ['workers', '16', '0']);
  assert.ok(Number(show[7]) > 1, `${show[7]} calls a second`);
});

test(
  '--json prints an object per line, calls that wait among them, until its reader leaves',
  LIMIT,
  async (t) => {
    const { nats, gateway, client } = await startSystem(t, { worker: { flags: ['--slots', '1'] } });
    const ran = runCommand(t, ['top', '--json', '--every-ms', '100', '--nats-url', nats.url]);
    await ran.said(/"function":"work"/);
    const calls = Array.from({ length: 4 }, (_, n) => client.call('work', { id: n, ms: 700 }));
    const [line = ''] = await ran.said(/^.*"function":"work".{0,80}"parked":[1-9].*$/m);
    const snapshot = JSON.parse(line);
    const work = snapshot.functions.find((fn: { function: string }) => fn.function === 'work');
    assert.equal(work.slots, 1);
    assert.deepEqual(work.gateways, [{ gateway: gateway.id, parked: work.parked }]);
    await Promise.all(calls);
    ran.child.stdout?.destroy();
    assert.deepEqual(await once(ran.child, 'exit'), [0, null]);
  },
);

test('Ctrl-C ends it, also without a broker; --once says that there is none', LIMIT, async (t) => {
  const nowhere = ['--nats-url', 'nats://127.0.0.1:1'];
  const ran = runCommand(t, ['top', '--every-ms', '100', ...nowhere]);
  await ran.said(/^NO CONNECTION TO NATS /m);
  ran.child.kill('SIGINT');
  assert.deepEqual(await ran.ended, { code: 0, signal: null });
  const once = runCommand(t, ['top', '--once', ...nowhere]);
  assert.deepEqual(await once.ended, { code: 1, signal: null });
  assert.match(once.errors, /^now-or-never top: cannot connect to NATS, see --nats-url$/m);
});
