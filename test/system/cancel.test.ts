import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { RawConnection } from '../support/http.ts';
import { type Ended, type LedgerRecord, machineNow } from '../support/ledger.ts';
import { startSystem } from '../support/system.ts';
import { until } from '../support/until.ts';

const endOf =
  (id: string) =>
  (r: LedgerRecord): r is Ended =>
    r.kind === 'ended' && r.id === id;

test('a caller that leaves takes its call with it', async (t) => {
  const { client, ledger, gateway } = await startSystem(t, {
    worker: { handlers: ['work.mjs'], flags: ['--slots', '1'] },
  });
  assert.equal((await ledger.ask(client)).status, 200);

  await t.test('the signal of the handler fires, and the slot is free again', async () => {
    const caller = new AbortController();
    const asked = ledger.ask(client, { ms: 20_000, budgetMs: 20_000, signal: caller.signal });
    const { id } = await until(() => ledger.began()[1], 5000, 'the call did not begin');
    const leftAt = machineNow();
    caller.abort();
    const end = await ledger.seen(endOf(id));
    assert.equal(end.how, 'AbortError');
    assert.ok(end.at - leftAt < 1000, `the signal came after ${end.at - leftAt} ms`);
    assert.equal((await asked).status, 0);
    assert.equal((await ledger.ask(client, { budgetMs: 2000 })).status, 200);
    await gateway.program.line((line) => line.requestId === id && line.msg === 'caller gone');
  });

  await t.test('a call that waits for a slot never runs', async () => {
    const count = ledger.began().length;
    const running = ledger.ask(client, { ms: 600 });
    await until(() => ledger.began()[count], 5000, 'the call did not begin');
    const caller = new AbortController();
    const waiting = ledger.ask(client, { signal: caller.signal });
    const patient = ledger.ask(client);
    await pause(150);
    caller.abort();
    const gone = await waiting;
    assert.equal((await running).status, 200);
    assert.equal((await patient).status, 200);
    assert.ok(!ledger.began().some(({ id }) => id === gone.id));
  });

  await t.test('a connection that is cut in the middle of a body calls nothing', async () => {
    const count = ledger.began().length;
    const connection = new RawConnection(t, gateway.port);
    connection.write('POST /functions/work HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n{"id":');
    await pause(50);
    connection.destroy();
    assert.equal((await ledger.ask(client)).status, 200);
    assert.equal(ledger.began().length, count + 1);
  });

  await t.test('a hundred that leave at once leave nothing behind', async () => {
    const callers = Array.from({ length: 100 }, () => new AbortController());
    const asked = callers.map(({ signal }) => ledger.ask(client, { ms: 100, signal }));
    await pause(100);
    for (const caller of callers) caller.abort();
    await Promise.all(asked);
    const next = await Promise.all(Array.from({ length: 5 }, () => ledger.ask(client, { budgetMs: 2000 })));
    assert.deepEqual(
      next.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    assert.ok(ledger.began().length < 60, 'calls of callers that had left were run');
  });
});

test('at the deadline the signal of the handler fires as well', async (t) => {
  const { client, ledger } = await startSystem(t, { worker: { handlers: ['work.mjs'] } });
  const answer = await ledger.ask(client, { ms: 20_000, budgetMs: 400 });
  assert.equal(answer.status, 504);
  const end = await ledger.seen(endOf(answer.id));
  assert.equal(end.how, 'TimeoutError');
  assert.ok(end.at - answer.at < 1000);
});
