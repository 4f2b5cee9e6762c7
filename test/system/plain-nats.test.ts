import assert from 'node:assert/strict';
import test from 'node:test';
import { headers as natsHeaders } from 'nats';
import { z } from 'zod';
import { httpClient } from '../support/http.ts';
import { Ledger } from '../support/ledger.ts';
import { startTestServer } from '../support/nats.ts';
import { startGateway, startWorker } from '../support/processes.ts';
import { connectRaw } from '../support/raw-nats.ts';
import { startRawResponder } from '../support/raw-responder.ts';
import { until } from '../support/until.ts';

test('plain NATS responders in a queue group are workers', async (t) => {
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const client = httpClient(t, gateway.port);
  const answered = [0, 0];
  for (const index of [0, 1]) {
    const raw = await connectRaw(t, nats.url);
    raw.subscribe('now.call.plain', {
      queue: 'workers',
      callback: (_error, message) => {
        answered[index] = (answered[index] ?? 0) + 1;
        message.respond(`{"got":${message.string()},"call":"${message.headers?.get('Now-Call')}"}`);
      },
    });
    await raw.flush();
  }

  await t.test('each call is answered by one of them', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => client.call('plain', n)));
    for (const [n, answer] of answers.entries()) {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'application/json');
      const { got, call } = z.object({ got: z.number(), call: z.string() }).parse(answer.json);
      assert.equal(got, n);
      assert.match(call, /^[A-Za-z0-9_-]+$/);
    }
    const [first = 0, second = 0] = answered;
    assert.equal(first + second, 40);
    assert.ok(first > 0 && second > 0, `${first} and ${second}`);
  });

  await t.test('a plain error of the services protocol is a service_error', async () => {
    const raw = await connectRaw(t, nats.url);
    raw.subscribe('now.call.refuses', {
      callback: (_error, message) => {
        const headers = natsHeaders();
        headers.set('Nats-Service-Error-Code', '418');
        headers.set('Nats-Service-Error', 'a teapot');
        message.respond('', { headers });
      },
    });
    await raw.flush();
    const answer = await client.call('refuses', {});
    assert.equal(answer.status, 418);
    assert.equal(answer.problem.code, 'service_error');
    assert.equal(answer.problem.detail, 'a teapot');
  });
});

/** Replies that break the contract, as they go over the wire. */
const BAD_REPLIES: Readonly<Record<string, string>> = {
  'an unknown signal': 'NATS/1.0\r\nNow-Signal: later\r\n\r\n',
  'the signal of a pull': 'NATS/1.0\r\nNow-Signal: empty\r\n\r\n',
  'the status 99': 'NATS/1.0\r\nNow-Status: 99\r\n\r\n',
  'the status 600': 'NATS/1.0\r\nNow-Status: 600\r\n\r\n',
  'a status that is no number': 'NATS/1.0\r\nNow-Status: fine\r\n\r\n',
  'an error code below 400': 'NATS/1.0\r\nNats-Service-Error-Code: 200\r\n\r\n',
  'an error code that is no number': 'NATS/1.0\r\nNats-Service-Error-Code: x\r\n\r\n',
  'a worker that is no token': 'NATS/1.0\r\nNow-Worker: a.b\r\nNow-Group: workers\r\n\r\n',
  'free slots below zero': 'NATS/1.0\r\nNow-Free: -1\r\n\r\n',
  'a time that is none': 'NATS/1.0\r\nNow-Service-Ms: NaN\r\n\r\n',
  'a function header that HTTP forbids': 'NATS/1.0\r\nX-Fn-A: \u20ac\r\n\r\n',
  'a content type that HTTP forbids': 'NATS/1.0\r\nContent-Type: \u20ac/x\r\n\r\n',
  'headers without a version': 'Now-Status: 200\r\n\r\n',
  'a header line without a colon': 'NATS/1.0\r\nno colon here\r\n\r\n',
};

test('replies that break the contract cost their own call only', async (t) => {
  const nats = await startTestServer(t);
  const gateway = await startGateway(t, nats.url);
  const ledger = new Ledger(t);
  await startWorker(t, nats.url, { handlers: ['work.mjs'], env: ledger.env() });
  const client = httpClient(t, gateway.port);
  let reply = '';
  let body = '';
  await startRawResponder(t, nats.port, 'now.call.odd', (_subject, send) => send(reply, body));

  for (const [what, bytes] of Object.entries(BAD_REPLIES)) {
    await t.test(`502 for ${what}`, async () => {
      reply = bytes;
      const answer = await client.call('odd', {}, { 'Request-Timeout': '2' });
      assert.equal(answer.status, 502, answer.text);
      assert.equal(answer.problem.code, 'bad_reply');
      assert.equal(answer.problem.started, 'yes');
      assert.equal((await ledger.ask(client)).status, 200);
    });
  }

  await t.test('an empty reply is a result', async () => {
    reply = '';
    const answer = await client.call('odd', {});
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
  });

  await t.test(
    'unknown headers and names of properties that every object has are nothing special',
    async () => {
      reply = 'NATS/1.0\r\n__proto__: x\r\nconstructor: y\r\nX-Fn-Toll: 1\r\nSet-Cookie: a=b\r\n\r\n';
      body = '{}';
      const answer = await client.call('odd', {});
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['x-fn-toll'], '1');
      assert.equal(answer.headers['set-cookie'], undefined);
    },
  );

  await t.test('of two replies the first counts', async () => {
    await startRawResponder(t, nats.port, 'now.call.twice', (_subject, send) => {
      send('', '1');
      send('', '2');
    });
    const answers = await Promise.all(Array.from({ length: 10 }, () => client.call('twice', {})));
    assert.deepEqual(new Set(answers.map(({ text }) => text)), new Set(['1']));
  });

  await t.test('no reply at all is a 504 that says that it may have run', async () => {
    await startRawResponder(t, nats.port, 'now.call.silent', () => {});
    const answer = await client.call('silent', {}, { 'Request-Timeout': '0.2' });
    assert.equal(answer.status, 504);
    assert.equal(answer.problem.started, 'unknown');
  });

  assert.equal(gateway.program.exit, undefined);
  assert.deepEqual(
    gateway.program.lines().filter((line) => line.level === 'error' || line.level === 'fatal'),
    [],
  );
});

test('a plain NATS requester gets a plain reply', async (t) => {
  const nats = await startTestServer(t);
  const ledger = new Ledger(t);
  await startWorker(t, nats.url, {
    handlers: ['work.mjs'],
    flags: ['--slots', '1'],
    env: { ...ledger.env(), WORK_MS: '400' },
  });
  const raw = await connectRaw(t, nats.url);
  // Without a content type the input would be bytes.
  const headers = natsHeaders();
  headers.set('Content-Type', 'application/json');
  const ask = (id: string) =>
    raw.request('now.call.work', JSON.stringify({ id }), { timeout: 15_000, headers });
  const idIn = (text: string) => z.object({ id: z.string() }).parse(JSON.parse(text)).id;

  await t.test('of the function, with the input of its body', async () => {
    // It serves as soon as its subscriptions have reached the broker.
    const reply = await until(() => ask('first').catch(() => undefined), 10_000, 'a reply');
    assert.equal(idIn(reply.string()), 'first');
  });

  await t.test(
    'waits in the worker while the slot is taken, and is refused when it could not begin in time',
    async () => {
      const ids = Array.from({ length: 30 }, (_, n) => `call-${n}`);
      const startedAt = performance.now();
      const outcomes = await Promise.all(
        ids.map(async (id) => {
          const reply = await ask(id);
          const code = reply.headers?.get('Nats-Service-Error-Code') ?? '';
          return { id, code, reply, afterMs: performance.now() - startedAt };
        }),
      );
      const served = outcomes.filter(({ code }) => code === '');
      const refused = outcomes.filter(({ code }) => code === '503');
      // The last one may begin in time and not end in time.
      const late = outcomes.length - served.length - refused.length;
      assert.ok(late <= 2, `${late} were answered otherwise`);
      // 5 s of budget and 400 ms for each: about twelve.
      assert.ok(served.length >= 8 && served.length <= 13, `${served.length} were served`);
      for (const { id, reply } of served) assert.equal(idIn(reply.string()), id);
      const atOnce = refused.filter(({ afterMs }) => afterMs < 1000);
      assert.ok(atOnce.length >= 15, `${atOnce.length} were refused at once`);
      const began = new Set(ledger.began().map(({ id }) => id));
      for (const { id } of refused) assert.ok(!began.has(id), `${id} was refused and ran`);
      assert.equal(ledger.began().length, new Set(ledger.began().map(({ id }) => id)).size);
    },
  );
});
