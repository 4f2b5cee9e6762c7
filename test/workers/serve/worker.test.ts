import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FN, TestWorker } from './harness.ts';

/** Runs a test with a worker, and checks that it leaves nothing behind. */
async function withWorker(
  run: (at: TestWorker) => Promise<void>,
  options?: ConstructorParameters<typeof TestWorker>[0],
): Promise<void> {
  const at = await new TestWorker(options).start();
  await run(at);
  for (const { finish } of at.runs) await finish();
  await at.stop();
}

test('a call gets exactly one reply, which says who ran it and what is free', () =>
  withWorker(async (at) => {
    const call = at.push();
    await at.clock.advance(10);
    await at.runs[0]?.finish();
    const [reply, ...more] = at.replies(call);
    assert.equal(more.length, 0);
    assert.equal(reply?.data, 'HELLO');
    assert.equal(reply?.headers['now-worker'], 'w1');
    assert.equal(reply?.headers['now-group'], 'workers');
    assert.equal(reply?.headers['now-free'], '1');
    assert.ok(Number(reply?.headers['now-work-ms']) >= 9);
  }));

test('without a free slot a call is answered busy at once and not run', () =>
  withWorker(async (at) => {
    at.push();
    const second = at.push();
    await at.clock.advance(1);
    assert.equal(at.said(second), 'busy');
    assert.equal(at.runs.length, 1);
  }));

test('a call whose budget is spent is answered expired, its body never looked at', () =>
  withWorker(async (at) => {
    at.hello();
    await at.clock.advance(200);
    at.broker.latencyMs = 5;
    const call = at.push({ budgetMs: 9 });
    await at.clock.advance(20);
    assert.equal(at.said(call), 'expired');
    assert.equal(at.runs.length, 0);
  }));

test('a call whose headers cannot be decoded is answered 400 and not run', () =>
  withWorker(async (at) => {
    const headerBlock = Buffer.from('NATS/1.0\r\nBad Name: x\r\n\r\n');
    at.broker.inject(`now.work.w1.${FN}`, new Uint8Array(0), { reply: 'plain.bad', headerBlock });
    await at.clock.advance(1);
    assert.equal(at.said('bad'), '400');
    assert.equal(at.runs.length, 0);
  }));

test('a call whose Now-Timeout is no positive number is answered 400 and not run, from whomever it comes', () =>
  withWorker(async (at) => {
    const calls = ['0', '-1', 'NaN', '1e999', ''].flatMap((timeout) => [
      at.push({ timeout }),
      at.ask('hello', [['Now-Timeout', timeout]]),
    ]);
    await at.clock.advance(1);
    for (const call of calls) {
      const [reply] = at.replies(call);
      assert.equal(reply?.headers['nats-service-error-code'], '400');
      assert.equal(reply?.headers['now-code'], 'bad_request');
      assert.equal(reply?.headers['now-worker'], 'w1');
    }
    assert.equal(at.runs.length, 0);
  }));

test('a call that lacks one of its headers is answered 400, not run as a plain one', () =>
  withWorker(async (at) => {
    const call = at.ask('hello', [['Now-Call', 'c1']]);
    await at.clock.advance(1);
    assert.equal(at.said(call), '400');
    assert.equal(at.runs.length, 0);
  }));

test('a plain requester may say in Now-Timeout how long it waits', () =>
  withWorker(async (at) => {
    at.push({ budgetMs: 10_000 });
    const patient = at.ask('patient', [['Now-Timeout', '8000']]);
    const hasty = at.ask('hasty', [['Now-Timeout', '100.5']]);
    await at.clock.advance(200);
    assert.equal(at.said(hasty), '503');
    await at.clock.advance(6000);
    assert.equal(at.said(patient), undefined);
    await at.runs[0]?.finish();
    assert.equal(at.runs.length, 2);
  }));

test('a worker answers a probe, also while it drains', () =>
  withWorker(async (at) => {
    at.push();
    const serving = at.push({ timeout: '0' });
    await at.clock.advance(1);
    void at.worker.drain();
    const draining = at.push({ timeout: '0' });
    await at.clock.advance(1);
    assert.deepEqual([at.said(serving), at.said(draining)], ['400', '400']);
  }));

test('a worker that drains answers draining, finishes what it runs and says bye', () =>
  withWorker(async (at) => {
    const running = at.push();
    await at.clock.advance(1);
    const drained = at.worker.drain();
    const late = at.push();
    await at.clock.advance(0.2);
    assert.equal(at.said(late), 'draining');
    await at.runs[0]?.finish();
    await drained;
    assert.equal(at.said(running), 'HELLO');
    void at.worker.stop();
    await at.clock.advance(1);
    assert.equal(at.states.at(-1)?.bye, true);
    assert.equal(at.states.at(-2)?.draining, true);
  }));

test('a worker that drains answers draining while its pulls are out, to pushed calls and to pulled ones', () =>
  withWorker(
    async (at) => {
      at.demand(1);
      await at.clock.advance(1);
      void at.worker.drain();
      const pushed = at.push();
      const pulled = at.handOut(at.pulls[0]);
      await at.clock.advance(1);
      assert.deepEqual([at.said(pushed), at.said(pulled)], ['draining', 'draining']);
      assert.equal(at.runs.length, 0);
    },
    { slots: 2 },
  ));

test('draining twice is one drain: both resolve when the last call is answered', () =>
  withWorker(
    async (at) => {
      at.demand(1);
      at.push();
      await at.clock.advance(1);
      assert.deepEqual([at.pulls.length, at.runs.length], [1, 1]);
      const ended: string[] = [];
      void at.worker.drain().then(() => ended.push('first'));
      void at.worker.drain().then(() => ended.push('second'));
      await at.clock.advance(300);
      assert.deepEqual(ended, []);
      await at.runs[0]?.finish();
      await at.clock.advance(1);
      assert.deepEqual(ended, ['first', 'second']);
    },
    { slots: 2 },
  ));

test('a plain call that was on the way when the worker began to drain is run and answered', () =>
  withWorker(async (at) => {
    const call = at.ask();
    let isDrained = false;
    void at.worker.drain().then(() => {
      isDrained = true;
    });
    await at.clock.advance(5);
    assert.equal(at.runs.length, 1);
    assert.equal(isDrained, false);
    await at.runs[0]?.finish();
    assert.equal(isDrained, true);
    assert.equal(at.said(call), 'HELLO');
  }));

test('a plain call that waits while the last pull of a draining worker is out is run, not left to expire', () =>
  withWorker(async (at) => {
    at.demand(1);
    await at.clock.advance(1);
    assert.equal(at.pulls.length, 1);
    void at.worker.drain();
    const call = at.ask();
    await at.clock.advance(300);
    assert.equal(at.runs.length, 1);
    await at.runs[0]?.finish();
    assert.equal(at.said(call), 'HELLO');
  }));

test('a gateway that says hello just before the worker stops hears no state after the bye', () =>
  withWorker(async (at) => {
    at.hello();
    await at.clock.advance(0.2);
    void at.worker.stop();
    await at.clock.advance(200);
    assert.equal(at.states.at(-1)?.bye, true);
  }));

test('a plain requester waits for a slot, and is told 503 when none comes free in time', () =>
  withWorker(async (at) => {
    at.push({ budgetMs: 10_000 });
    const early = at.ask('early');
    await at.clock.advance(100);
    assert.equal(at.said(early), undefined);
    await at.runs[0]?.finish();
    const late = at.ask('late');
    await at.clock.advance(5100);
    assert.equal(at.runs.length, 2);
    assert.equal(at.said(late), '503');
  }));

test('a running call is cancelled, and its slot is free again', () =>
  withWorker(async (at) => {
    const call = at.push();
    await at.clock.advance(1);
    at.cancel(call);
    await at.clock.advance(1);
    assert.equal(at.runs[0]?.cancelled, 'the caller left');
    assert.equal(at.replies(call).length, 1);
    assert.equal(at.worker.state[FN]?.free, 1);
  }));

test('a buffered call is cancelled before it runs', () =>
  withWorker(async (at) => {
    at.push();
    await at.clock.advance(1);
    await at.runs[0]?.finish();
    at.push();
    const buffered = at.push();
    await at.clock.advance(0.5);
    assert.equal(at.worker.state[FN]?.buffered, 1);
    at.cancel(buffered);
    await at.clock.advance(0.5);
    assert.equal(at.said(buffered), 'busy');
    await at.runs[1]?.finish();
    assert.equal(at.runs.length, 2);
  }));

for (const wallOffsetMs of [0, 3_600_000, -3_600_000]) {
  test(`with a clock ${wallOffsetMs} ms ahead of the gateway's it runs and expires the same`, () =>
    withWorker(
      async (at) => {
        at.hello();
        await at.clock.advance(200);
        const call = at.push({ budgetMs: 50 });
        await at.clock.advance(10);
        await at.runs[0]?.finish();
        const late = at.push({ budgetMs: 20 });
        at.clock.freeze(30);
        await at.clock.advance(1);
        assert.deepEqual([at.said(call), at.said(late)], ['HELLO', 'expired']);
      },
      { wallOffsetMs },
    ));
}

test('after a stop of ten seconds its buffered calls are expired', () =>
  withWorker(async (at) => {
    at.hello();
    await at.clock.advance(200);
    const calls = [at.push({ budgetMs: 5000 }), at.push({ budgetMs: 9000 })];
    at.clock.freeze(10_000);
    await at.clock.advance(1);
    assert.deepEqual(
      calls.map((call) => at.said(call)),
      ['expired', 'expired'],
    );
    assert.equal(at.runs.length, 0);
  }));

test('after a stop it runs nothing of a gateway that it never heard before', () =>
  withWorker(async (at) => {
    const call = at.push({ budgetMs: 5000 });
    at.clock.freeze(10_000);
    await at.clock.advance(1);
    assert.equal(at.said(call), 'busy');
    await at.clock.advance(200);
    const next = at.push();
    await at.clock.advance(1);
    await at.runs[0]?.finish();
    assert.equal(at.said(next), 'HELLO');
  }));

test('demand is answered by as many pulls as calls are parked and slots free, each reserving a slot', () =>
  withWorker(
    async (at) => {
      at.demand(2);
      await at.clock.advance(1);
      assert.equal(at.pulls.length, 2);
      assert.equal(at.worker.state[FN]?.free, 1);
      const call = at.handOut(at.pulls[0]);
      await at.clock.advance(1);
      assert.equal(at.runs.length, 1);
      await at.runs[0]?.finish();
      assert.equal(at.said(call), 'PULLED');
    },
    { slots: 3 },
  ));

test('a pull that is not answered gives its slot back after 250 ms', () =>
  withWorker(async (at) => {
    at.demand(1);
    await at.clock.advance(240);
    assert.equal(at.worker.state[FN]?.free, 0);
    await at.clock.advance(40);
    assert.equal(at.worker.state[FN]?.free, 1);
  }));

test('a call that answers a pull after it was given up is run, or answered busy', () =>
  withWorker(async (at) => {
    at.demand(1);
    await at.clock.advance(300);
    const [pull] = at.pulls;
    const run = at.handOut(pull);
    await at.clock.advance(1);
    assert.equal(at.runs.length, 1);
    await at.runs[0]?.finish();
    assert.equal(at.said(run), 'PULLED');
  }));

test('a call that answers a pull after it was given up is answered busy when its slot is taken', () =>
  withWorker(async (at) => {
    at.demand(1);
    await at.clock.advance(300);
    const [pull] = at.pulls;
    at.push();
    await at.clock.advance(1);
    const late = at.handOut(pull);
    await at.clock.advance(1);
    assert.equal(at.said(late), 'busy');
    assert.equal(at.runs.length, 1);
  }));

test('while the loop lags by more than 100 ms no slot is free, and gateways hear of it', () =>
  withWorker(async (at) => {
    at.clock.freeze(300);
    await at.clock.advance(1);
    assert.equal(at.states.at(-1)?.functions[FN]?.free, 0);
    const call = at.push();
    await at.clock.advance(1);
    assert.equal(at.said(call), 'busy');
    await at.clock.advance(60);
    assert.equal(at.states.at(-1)?.functions[FN]?.free, 1);
  }));

test('a reply that cannot be sent waits for the broker, and goes out when it is back in time', () =>
  withWorker(async (at) => {
    const call = at.push({ budgetMs: 5000 });
    await at.clock.advance(1);
    at.bus.disconnect();
    await at.runs[0]?.finish();
    assert.equal(at.said(call), undefined);
    at.bus.reconnect();
    await at.clock.advance(1);
    assert.equal(at.said(call), 'HELLO');
  }));
