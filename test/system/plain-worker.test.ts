import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { httpClient } from '../support/http.ts';
import { startTestServer } from '../support/nats.ts';
import { startGateway } from '../support/processes.ts';

const example = fileURLToPath(new URL('../../examples/plain-worker.mjs', import.meta.url));

test('the example that is a worker on the NATS client alone serves calls, and leaves when it is told to', async (t) => {
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const client = httpClient(t, gateway.port);
  const worker = spawn(process.execPath, [example, nats.url], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => worker.kill('SIGKILL'));
  const exited = once(worker, 'exit');
  await once(worker.stdout, 'data');

  const answer = await client.call('plain', { a: 1 });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, { answeredBy: 'plain-worker', bytes: 7, text: '{"a":1}' });

  worker.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});
