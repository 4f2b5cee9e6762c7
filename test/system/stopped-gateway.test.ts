import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { startSystem } from '../support/system.ts';

test('what waited in the socket of a stopped gateway for longer than its budget is refused, not run', async (t) => {
  const { client, gateway, ledger } = await startSystem(t, {
    worker: { handlers: ['work.mjs', 'show.mjs'] },
  });
  const { pid = Number.NaN } = gateway.program;
  // Both connections are open before the stop, so that only the requests wait.
  await Promise.all([client.call('show', {}), client.call('show', {})]);
  process.kill(pid, 'SIGSTOP');
  const asked = [
    client.call('work', { id: 'short', ms: 0 }, { 'Request-Timeout': '1' }),
    client.call('work', { id: 'long', ms: 0 }, { 'Request-Timeout': '20' }),
  ];
  try {
    await pause(2500);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const [short, long] = await Promise.all(asked);
  assert.equal(long?.status, 200, long?.text);
  assert.equal(short?.status, 504, short?.text);
  const problem: unknown = JSON.parse(short?.text ?? '');
  assert.deepEqual(
    problem instanceof Object && 'started' in problem && 'code' in problem && [problem.code, problem.started],
    ['deadline_exceeded', 'no'],
  );
  assert.deepEqual(
    ledger.read().filter((entry) => entry.kind === 'began' && entry.id === 'short'),
    [],
  );
});
