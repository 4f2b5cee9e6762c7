import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerList } from '../../lib/nats-address.ts';

test('a comma list gives the hosts, and the user of the first address that names one', () => {
  assert.deepEqual(parseServerList(' nats://a, b:5222 ,nats://us%40er:p%3Ass:word@c:80,[::1]:4333,'), {
    hosts: ['a:4222', 'b:5222', 'c:80', '[::1]:4333'],
    user: 'us@er',
    password: 'p:ss:word',
    token: undefined,
    tls: false,
  });
});

test('a user without a password is a token; tls:// asks for encryption', () => {
  const list = parseServerList('tls://s3cret@host:443');
  assert.deepEqual([list.hosts, list.token, list.user, list.tls], [['host:443'], 's3cret', undefined, true]);
});

test('what is no address is refused without repeating it', () => {
  for (const wrong of [
    '',
    ' , ',
    'nats://',
    'http://s3cret@host',
    'nats://s3cret:x@ho st',
    'nats://s3cret@h:99999',
    'nats://s3cret:%zz@h',
    'nats://u:s3cret@h/path',
  ]) {
    assert.throws(
      () => parseServerList(wrong),
      (error) =>
        error instanceof Error && /nats:\/\//.test(error.message) && !error.message.includes('s3cret'),
      wrong,
    );
  }
});
