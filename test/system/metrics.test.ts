import assert from 'node:assert/strict';
import test from 'node:test';
import { freePort } from '../../lib/free-port.ts';
import { startSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

test('the admin listener shows what callers saw, in the text format of Prometheus', async (t) => {
  const adminPort = await freePort();
  const { client, gateway } = await startSystem(t, { gatewayFlags: ['--admin-port', String(adminPort)] });
  const metrics = async () => {
    const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4; charset=utf-8$/);
    return response.text();
  };
  await until(
    async () => ((await metrics()).includes('now_or_never_workers{function="show"') ? true : undefined),
    5000,
    'the state of the worker',
  );
  for (let n = 0; n < 3; n++) assert.equal((await client.call('show', { n })).status, 201);
  assert.equal((await client.call('nobody-serves-this', {})).status, 503);
  const text = await metrics();
  const line = (pattern: RegExp) => assert.match(text, pattern);
  line(/^now_or_never_calls_total\{function="show",code="ok",started="yes"\} 3$/m);
  line(/^now_or_never_calls_total\{function="",code="no_responders",started="no"\} 1$/m);
  line(/^now_or_never_call_duration_seconds_count\{function="show",result="answered"\} 3$/m);
  line(/^now_or_never_nats_connected 1$/m);
  line(/^now_or_never_pending_calls 0$/m);
  line(/^process_cpu_seconds_total [\d.]+$/m);
  assert.doesNotMatch(text, /nobody-serves-this/);
  const types = text.match(/^# TYPE /gm)?.length ?? 0;
  assert.equal(text.match(/^# HELP \S+ \S/gm)?.length, types);

  assert.equal((await fetch(`http://127.0.0.1:${adminPort}/metrics`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/metrics`)).status, 404);
});
