import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { sendRaw } from '../support/http.ts';
import { connectRaw } from '../support/raw-nats.ts';
import { startSystem } from '../support/system.ts';

/** What a function name may never be, as it stands in the target. */
const BAD_NAMES = [
  '',
  'a.b',
  'a%2Eb',
  '%2E',
  '.',
  '%2E%2E',
  '*',
  '%2A',
  '>',
  '%3E',
  '$SYS',
  '%24SYS.REQ',
  '_INBOX.x',
  '_INBOX%2Ex',
  '%00',
  'a%00b',
  'a%0D%0APUB%20x',
  'a%20b',
  'a+b',
  'a%09b',
  '%C3%A4',
  '%F0%9F%98%80',
  '\xe4',
  'x'.repeat(65),
  'x'.repeat(5000),
  'a%2Fb',
  '%2Fetc%2Fpasswd',
  'a%',
  'a%2',
  'a%zz',
  '%FF',
  '%252E',
  'a;b',
  'a:b',
  '__proto__.x',
];

/** Targets that some part of the path handling must refuse, in whatever way it likes best. */
const BAD_TARGETS = [
  '/functions/..',
  '/functions/../healthz2',
  '/functions/../../etc/passwd',
  '/functions/a/../b',
  '/functions/%2e%2e/x',
  '/functions//show',
  '/functions/sho w',
  '/functions/show\x00',
  '/functions/show\x7f',
  'functions/show',
  '*',
];

/** What gateways and workers may publish on. */
const ALLOWED =
  /^now\.(hello|(state|pull|cancel)\.[A-Za-z0-9_-]+|call\.(show|__proto__|constructor|toString)|work\.[A-Za-z0-9_-]+\.show|reply\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+|(pull|demand)\.[A-Za-z0-9_-]+\.workers)$/;

test('a function name is judged before anything else sees it', async (t) => {
  const { nats, gateway } = await startSystem(t, { worker: { handlers: ['show.mjs'] } });
  const raw = await connectRaw(t, nats.url);
  const subjects: string[] = [];
  raw.subscribe('>', { callback: (_error, message) => void subjects.push(message.subject) });
  await raw.flush();
  const post = (target: string) =>
    sendRaw(t, gateway.port, `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}`);

  for (const name of BAD_NAMES) {
    await t.test(`400 for ${JSON.stringify(name.slice(0, 40))} of ${name.length} characters`, async () => {
      const answer = await post(`/functions/${name}`);
      assert.equal(answer.status, 400);
      assert.equal(answer.problem.code, 'bad_request');
      assert.equal(answer.problem.started, 'no');
    });
  }

  for (const target of BAD_TARGETS) {
    await t.test(`no function is called by the target ${JSON.stringify(target)}`, async () => {
      const answer = await post(target);
      assert.ok(answer.status === 400 || answer.status === 404, `${answer.status} ${answer.text}`);
      assert.equal(answer.problem.started, 'no');
    });
  }

  await t.test('names of properties that every object has are names like others', async () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const answer = await sendRaw(
        t,
        gateway.port,
        `POST /functions/${name} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nRequest-Timeout: 0.2\r\n\r\n`,
      );
      // The tap above listens to everything, so the broker cannot say that nobody does.
      assert.equal(answer.status, 504, name);
    }
    assert.deepEqual(
      subjects.filter((subject) => subject.startsWith('now.call.')),
      ['now.call.__proto__', 'now.call.constructor', 'now.call.toString'],
    );
  });

  await t.test('a good call comes through, and nothing was ever published elsewhere', async () => {
    const answer = await post('/functions/show');
    assert.equal(answer.status, 201);
    // One more state message of the worker: the tap still listens, and all before it has come.
    await pause(600);
    await raw.flush();
    assert.ok(subjects.some((subject) => subject.startsWith('now.state.')));
    assert.deepEqual(
      [...new Set(subjects)].filter((subject) => !ALLOWED.test(subject)),
      [],
    );
  });
});
