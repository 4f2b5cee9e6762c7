import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import type { Context } from '../../../workers/api/context.ts';
import type { Completion } from '../../../workers/run/completion.ts';
import { Executor, type RunHandle } from '../../../workers/run/execute.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { recordingLog, silentLog } from '../../support/log.ts';
import { asReply, define, invocation, JSON_TYPE, run, text, throwing } from './run-call.ts';

describe('the context of a handler', () => {
  it("shows the call, the caller's own headers and none of the machinery", async () => {
    let seen: Context | undefined;
    const headers = {
      ...JSON_TYPE,
      'x-fn-page': '2',
      'idempotency-key': 'k1',
      'now-call': 'call-1',
      'nats-thing': 'x',
      traceparent: '00-1',
    };
    await run(
      (_input: unknown, context: Context) => {
        seen = context;
      },
      { headers },
    );
    assert.ok(seen);
    assert.equal(seen.callId, 'call-1');
    assert.equal(seen.idempotencyKey, 'k1');
    assert.equal(Object.getPrototypeOf(seen.headers), null);
    assert.deepEqual(Object.keys(seen.headers).sort(), [
      'content-type',
      'idempotency-key',
      'traceparent',
      'x-fn-page',
    ]);
    assert.ok(seen.remainingMs() > 4000 && seen.remainingMs() <= 5000);
    assert.ok(Math.abs(seen.deadline.getTime() - Date.now() - seen.remainingMs()) < 100);
    assert.equal(seen.signal, seen.signal);
    assert.equal(seen.signal.aborted, false);
  });

  it('logs with the name of the function and the id of the call', async () => {
    const { log, find } = recordingLog();
    const own = new Executor({ clock: systemClock, log });
    const fn = define((_input: unknown, context: Context) => context.log.info({ a: 1 }, 'from the handler'));
    await own.run(fn, invocation()).done;
    assert.deepEqual(find('from the handler'), [
      { level: 30, function: 'test-function', call: 'call-1', a: 1, msg: 'from the handler' },
    ]);
  });
});

/** The timer of deadlines goes on for a moment after the last of them. */
async function leavesNoTimer(clock: FakeClock): Promise<void> {
  await clock.advance(1000);
  assert.equal(clock.pending, 0);
}

describe('the deadline', () => {
  const deadlineAt = 1_000_100;

  function fake(): { clock: FakeClock; log: ReturnType<typeof recordingLog>; own: Executor } {
    const clock = new FakeClock();
    const log = recordingLog();
    return { clock, log, own: new Executor({ clock, log: log.log }) };
  }

  /** Whether it is settled already. */
  async function peek({ done }: RunHandle): Promise<Completion | undefined> {
    return Promise.race([done, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))]);
  }

  it('fires the signal with a TimeoutError', async () => {
    const { clock, own } = fake();
    const running = own.run(
      define(async (_input: unknown, { signal }: Context) => {
        await once(signal, 'abort');
        return signal.reason.name;
      }),
      invocation({ deadlineAt }),
    );
    await clock.advance(99);
    assert.equal(await peek(running), undefined);
    await clock.advance(20);
    const completion = await running.done;
    assert.equal(completion.outcome, 'ok');
    assert.equal(text(completion), 'TimeoutError');
    await leavesNoTimer(clock);
  });

  it('shows a fired signal to a handler that looks late', async () => {
    const { clock, own } = fake();
    let look = () => {};
    const running = own.run(
      define((_input: unknown, context: Context) => {
        return new Promise((resolve) => {
          look = () => resolve([context.signal.aborted, context.remainingMs()]);
        });
      }),
      invocation({ deadlineAt }),
    );
    await clock.advance(150);
    look();
    assert.equal(text(await running.done), '[true,0]');
  });

  it('gives up a handler that hangs 250 ms later, and logs its late end once', async () => {
    const { clock, log, own } = fake();
    let end: (value: string) => void = () => {};
    const running = own.run(
      define(() => new Promise((resolve) => (end = resolve))),
      invocation({ deadlineAt }),
    );
    await clock.advance(340);
    assert.equal(await peek(running), undefined);
    await clock.advance(40);
    const completion = await running.done;
    assert.equal(completion.outcome, 'deadline');
    assert.equal(completion.status, 504);
    const read = asReply(completion);
    assert.ok(read.kind === 'error' && read.status === 504);
    assert.equal(own.size, 0);
    await leavesNoTimer(clock);
    assert.equal(log.find('is given up').length, 1);
    end('late');
    await clock.advance(1);
    assert.equal(log.find('ended after it was given up').length, 1);
    assert.equal(await running.done, completion);
  });

  it('takes a rejection after the signal for obedience, not for a failure', async () => {
    const { clock, log, own } = fake();
    const running = own.run(
      define((_input: unknown, { signal }: Context) => {
        return new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
      }),
      invocation({ deadlineAt }),
    );
    await clock.advance(120);
    assert.equal((await running.done).outcome, 'deadline');
    assert.equal(log.find('failed').length, 0);
  });

  it('that has passed already starts no handler', async () => {
    const { clock, own } = fake();
    let runs = 0;
    const running = own.run(
      define(() => runs++),
      invocation({ deadlineAt: clock.now() }),
    );
    assert.equal((await running.done).outcome, 'deadline');
    assert.equal(runs, 0);
  });

  it('gives the handler its time to end after the process was stopped', async () => {
    const { clock, own } = fake();
    const running = own.run(
      define(() => new Promise(() => {})),
      invocation({ deadlineAt }),
    );
    clock.freeze(10_000);
    await clock.advance(200);
    assert.equal(await peek(running), undefined);
    await clock.advance(80);
    assert.equal((await running.done).outcome, 'deadline');
    await leavesNoTimer(clock);
  });

  it('can be preceded by a cancel, which fires an AbortError with its reason, once', async () => {
    const { clock, own } = fake();
    const reasons: string[] = [];
    const running = own.run(
      define((_input: unknown, { signal }: Context) => {
        signal.addEventListener('abort', () => reasons.push(String(signal.reason)));
        return new Promise(() => {});
      }),
      invocation({ deadlineAt: 1_010_000 }),
    );
    running.cancel('caller gone');
    running.cancel('again');
    await clock.advance(240);
    assert.equal(await peek(running), undefined);
    await clock.advance(30);
    const completion = await running.done;
    assert.equal(completion.outcome, 'cancelled');
    assert.equal(completion.status, 502);
    assert.deepEqual(reasons, ['AbortError: caller gone']);
    await leavesNoTimer(clock);
    running.cancel('after the end');
  });

  it('comes for everyone when the executor closes', async () => {
    const { clock, own } = fake();
    const running = Array.from({ length: 3 }, () =>
      own.run(
        define(() => new Promise(() => {})),
        invocation({ deadlineAt }),
      ),
    );
    await own.close();
    for (const { done } of running) assert.equal((await done).outcome, 'cancelled');
    await leavesNoTimer(clock);
    const late = own.run(define(throwing(new Error('was run'))), invocation({ deadlineAt }));
    assert.equal((await late.done).outcome, 'cancelled');
  });
});

describe('ten thousand calls', () => {
  it('leave no call, timer or listener behind, and share one timer while they run', async () => {
    const clock = new FakeClock();
    const own = new Executor({ clock, log: silentLog });
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    const fn = define(async (_input: unknown, { signal }: Context) => {
      if (!signal.aborted) await new Promise((resolve) => setImmediate(resolve));
    });
    const running = Array.from({ length: 10_000 }, () => own.run(fn, invocation({ deadlineAt: 1_005_000 })));
    assert.equal(clock.pending, 1);
    assert.equal(own.size, 10_000);
    const outcomes = await Promise.all(running.map(({ done }) => done));
    assert.ok(outcomes.every(({ outcome }) => outcome === 'ok'));
    assert.equal(own.size, 0);
    await leavesNoTimer(clock);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', onWarning);
    assert.deepEqual(warnings, []);
  });
});
