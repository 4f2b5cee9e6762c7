import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callHeaders, probeHeaders, readCall } from '../../protocol/call.ts';
import type { HeaderPairs } from '../../protocol/headers.ts';

function received(pairs: HeaderPairs): Record<string, string> {
  return Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value]));
}

const sent = {
  callId: 'c1',
  gateway: 'g1',
  deadlineWall: 1_700_000_005_000,
  timeoutMs: 5000,
  replyTo: 'now.reply.g1.t',
  parked: 2,
};
const headers = received(callHeaders(sent, [['Content-Type', 'text/plain']]));

/** What is no positive decimal number of at most a day. */
const BAD_TIMEOUTS = [
  ...[
    '',
    ' ',
    '0',
    '0.0',
    '-1',
    '+1',
    'NaN',
    'Infinity',
    '-Infinity',
    '1e3',
    '1e999',
    '0x10',
    '1,5',
    '1_000',
  ],
  ...['soon', ' 1500', '1500 ', '1500ms', '.5', '1.', '1.2.3', '86400001', '86400000.5', '9'.repeat(400)],
  `0.${'0'.repeat(400)}1`,
];

test('a call arrives as it was sent', () => {
  assert.deepEqual(readCall(headers), { kind: 'gateway', call: sent });
});

test('a message without our headers is a plain requester’s, with five seconds', () => {
  assert.deepEqual(readCall({ 'content-type': 'text/plain' }), { kind: 'plain', budgetMs: 5000 });
});

for (const [timeout, budgetMs] of [
  ['1500', 1500],
  ['1500.5', 1500.5],
  ['0.25', 0.25],
  ['86400000', 86_400_000],
] as const) {
  test(`a plain requester with Now-Timeout ${timeout} has a budget of ${budgetMs} ms`, () => {
    assert.deepEqual(readCall({ 'now-timeout': timeout }), { kind: 'plain', budgetMs });
  });

  test(`a call with Now-Timeout ${timeout} has ${budgetMs} ms left`, () => {
    const read = readCall({ ...headers, 'now-timeout': timeout });
    assert.ok(read.kind === 'gateway');
    assert.equal(read.call.timeoutMs, budgetMs);
  });
}

for (const timeout of BAD_TIMEOUTS) {
  test(`Now-Timeout ${JSON.stringify(timeout).slice(0, 20)} is malformed, from a gateway and from a plain requester`, () => {
    for (const read of [
      readCall({ ...headers, 'now-timeout': timeout }),
      readCall({ 'now-timeout': timeout }),
    ]) {
      assert.ok(read.kind === 'malformed');
      assert.match(
        read.reason,
        /^Now-Timeout ".*" must be a positive decimal number of milliseconds, at most 86400000$/,
      );
      assert.ok(read.reason.length < 200);
    }
  });
}

for (const name of ['now-deadline', 'now-timeout', 'now-gateway'] as const) {
  test(`a call without ${name} is malformed`, () => {
    const { [name]: _missing, ...others } = headers;
    const read = readCall(others);
    assert.ok(read.kind === 'malformed');
    assert.match(read.reason, /is missing/);
  });
}

for (const [name, value] of [
  ['now-call', ''],
  ['now-call', 'a.b'],
  ['now-gateway', 'a b'],
  ['now-deadline', 'tomorrow'],
  ['now-deadline', ''],
  ['now-deadline', '-1'],
  ['now-deadline', '1.5'],
  ['now-deadline', '0x10'],
  ['now-deadline', '9'.repeat(17)],
  ['now-reply', 'now.reply.>'],
  ['now-parked', '-1'],
] as const) {
  test(`a call with ${name} ${JSON.stringify(value)} is malformed`, () => {
    assert.equal(readCall({ ...headers, [name]: value }).kind, 'malformed');
  });
}

test('a plain requester may send other Now-* headers: they are ignored', () => {
  const read = readCall({ 'now-gateway': 'a b', 'now-deadline': 'never', 'now-parked': '-1' });
  assert.deepEqual(read, { kind: 'plain', budgetMs: 5000 });
});

test('a call that has less than half a millisecond left is sent with one, so that it is a call', () => {
  for (const timeoutMs of [0.4, 0, -3]) {
    const read = readCall(received(callHeaders({ ...sent, timeoutMs }, [])));
    assert.ok(read.kind === 'gateway');
    assert.equal(read.call.timeoutMs, 1);
  }
});

test('a probe is malformed, so that no worker runs it', () => {
  const probe = received(probeHeaders('c1', 'g1', 1_700_000_005_000.4));
  assert.deepEqual(probe, {
    'now-call': 'c1',
    'now-deadline': '1700000005000',
    'now-timeout': '0',
    'now-gateway': 'g1',
  });
  assert.equal(readCall(probe).kind, 'malformed');
});
