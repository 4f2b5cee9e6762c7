import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import { systemClock } from '../../../lib/clock.ts';
import type { LoadedFunction } from '../../../workers/api/define.ts';
import { loadFunctions } from '../../../workers/load/load.ts';
import type { Completion, Invocation } from '../../../workers/run/completion.ts';
import { Executor, type RunHandle } from '../../../workers/run/execute.ts';
import { type RecordingLog, recordingLog } from '../../support/log.ts';
import { asReply, headersOf, invocation, text } from './run-call.ts';

const PACKAGE = new URL('../../../workers/api/index.ts', import.meta.url).href;

const MODULE = `
import { threadId } from 'node:worker_threads';
import { FunctionError, reply } from ${JSON.stringify(PACKAGE)};

const kept = new Uint8Array([1, 2, 3]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export default {
  threads: true,
  slots: 2,
  async run(input, ctx) {
    const what = input instanceof Uint8Array ? 'bytes' : input.do;
    switch (what) {
      case 'bytes': return reply({ body: input, headers: { 'X-Fn-Seen': ctx.headers['x-fn-a'] } });
      case 'compute': { const end = performance.now() + input.ms; while (performance.now() < end); return { threadId }; }
      case 'kept': return kept;
      case 'context': return { id: ctx.callId, left: ctx.remainingMs(), deadline: ctx.deadline, key: ctx.idempotencyKey };
      case 'signal':
        ctx.log.info('waiting');
        return new Promise((resolve) => ctx.signal.addEventListener('abort', () => resolve(String(ctx.signal.reason))));
      case 'log': for (let i = 0; i < 200; i++) ctx.log.info({ i, pad: 'x'.repeat(8000) }, 'many'); ctx.log.error(new TypeError('odd')); return;
      case 'hang': ctx.log.info('hanging'); for (;;);
      case 'sleep': await pause(input.ms); return 'slept';
      case 'exit': process.exit(0);
      case 'uncaught': setTimeout(() => { throw new Error('from a timer'); }); await pause(5000); return;
      case 'later': setTimeout(() => { throw new Error('after the call'); }, 20); return { threadId };
      case 'memory': { const all = []; for (;;) all.push(new Array(10000).fill(Math.random())); }
      case 'throw': throw Object.assign(new Error('inside'), { unclonable: () => 1 });
      case 'refuse': throw new FunctionError(409, 'taken', { body: { by: 'me' } });
      case 'cycle': { const a = {}; a.a = a; return a; }
    }
  },
};
`;

describe('a function in threads', () => {
  let dir: string;
  let fn: LoadedFunction;
  let recorded: RecordingLog;
  let executor: Executor;
  let calls = 0;

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'threads-'));
    const file = join(dir, 'busy.mjs');
    writeFileSync(file, MODULE);
    recorded = recordingLog();
    const { functions, failed } = await loadFunctions([file], { log: recorded.log });
    assert.deepEqual(failed, []);
    const [loaded] = functions;
    assert.ok(loaded);
    fn = loaded;
    executor = new Executor({ clock: systemClock, log: recorded.log, maxThreadHeapMb: 64 });
    await executor.prepare(fn);
  });
  after(async () => {
    await executor.close();
    rmSync(dir, { recursive: true, force: true });
  });
  afterEach(() => assert.equal(executor.size, 0));

  function start(
    input: Record<string, unknown>,
    change: Partial<Invocation> & { ms?: number } = {},
  ): RunHandle {
    return executor.run(
      fn,
      invocation({
        callId: `call-${++calls}`,
        body: Buffer.from(JSON.stringify(input)),
        deadlineAt: systemClock.now() + (change.ms ?? 10_000),
        ...change,
      }),
    );
  }

  function call(
    input: Record<string, unknown>,
    change: Partial<Invocation> & { ms?: number } = {},
  ): Promise<Completion> {
    return start(input, change).done;
  }

  /** Waits until the log has a line for the call that runs last. */
  async function logged(message: string): Promise<void> {
    const id = `call-${calls}`;
    while (!recorded.find(message).some((line) => line.call === id)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Both threads answer: nothing is stuck, whatever happened before. */
  async function allIsWell(): Promise<void> {
    const both = await Promise.all([call({ do: 'compute', ms: 50 }), call({ do: 'compute', ms: 50 })]);
    for (const { outcome } of both) assert.equal(outcome, 'ok');
  }

  it('computes beside the event loop, in as many threads as it has slots', async () => {
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 5);
    const both = await Promise.all([call({ do: 'compute', ms: 500 }), call({ do: 'compute', ms: 500 })]);
    clearInterval(ticking);
    const ids = new Set(both.map((completion) => JSON.parse(text(completion)).threadId));
    assert.equal(ids.size, 2);
    // A blocked loop would have ticked once or twice.
    assert.ok(ticks >= 10, `${ticks} ticks`);
  });

  it('gets the body without taking it away from the caller, and bytes and headers come back', async () => {
    const body = new Uint8Array([9, 8, 7, 6]).subarray(1, 3);
    const completion = await call({}, { body, headers: { 'x-fn-a': 'b' } });
    assert.deepEqual([...completion.body], [8, 7]);
    assert.deepEqual([...body], [8, 7]);
    assert.deepEqual(headersOf(completion), { 'Content-Type': 'application/octet-stream', 'X-Fn-Seen': 'b' });
  });

  it('may return the same bytes twice', async () => {
    for (let i = 0; i < 4; i++) assert.deepEqual([...(await call({ do: 'kept' })).body], [1, 2, 3]);
  });

  it('knows its call and its deadline', async () => {
    const before = Date.now();
    const completion = await call(
      { do: 'context' },
      { headers: { 'content-type': 'application/json', 'idempotency-key': 'k' } },
    );
    const context = JSON.parse(text(completion));
    assert.equal(context.id, `call-${calls}`);
    assert.equal(context.key, 'k');
    assert.ok(context.left > 5000 && context.left <= 10_000, `${context.left}`);
    const left = Date.parse(context.deadline) - before;
    assert.ok(left > 9000 && left < 15_000, `${left}`);
  });

  it('sees its signal fire at the deadline and on cancel', async () => {
    const late = await call({ do: 'signal' }, { ms: 100 });
    assert.equal(text(late), 'TimeoutError: the deadline of the call passed');
    const running = start({ do: 'signal' });
    await logged('waiting');
    running.cancel('caller gone');
    assert.equal(text(await running.done), 'AbortError: caller gone');
  });

  it('logs whole lines through the main thread, all of them before its result', async () => {
    await call({ do: 'log' });
    const lines = recorded.find('many');
    assert.deepEqual(
      lines.map(({ i }) => i),
      Array.from({ length: 200 }, (_, i) => i),
    );
    assert.ok(
      lines.every((line) => line.call === `call-${calls}` && line.function === 'busy' && line.level === 30),
    );
    const [odd] = recorded.find('odd');
    assert.equal(Reflect.get(Object(odd?.err), 'type'), 'TypeError');
  });

  it('is ended when it ignores its signal, replaced, and harms no neighbour', async () => {
    const neighbour = start({ do: 'sleep', ms: 700 });
    const completion = await call({ do: 'hang' }, { ms: 200 });
    assert.equal(completion.outcome, 'deadline');
    assert.equal(completion.status, 504);
    assert.equal(text(await neighbour.done), 'slept');
    await allIsWell();
  });

  it('is ended when it is cancelled and ignores that', async () => {
    const running = start({ do: 'hang' });
    await logged('hanging');
    running.cancel('caller gone');
    assert.equal((await running.done).outcome, 'cancelled');
    await allIsWell();
  });

  for (const [what, how, message] of [
    ['exits', 'exit', /exited with code: 0/],
    ['has an uncaught error', 'uncaught', /from a timer/],
    ['runs out of memory', 'memory', /memory limit/],
  ] as const) {
    it(`fails its own call only when it ${what}`, async () => {
      const neighbour = start({ do: 'sleep', ms: 300 });
      const completion = await call({ do: how });
      assert.equal(completion.outcome, 'handler_error');
      const read = asReply(completion);
      assert.ok(read.kind === 'error' && read.message === 'the function failed');
      assert.match(completion.error?.message ?? '', message);
      assert.equal(text(await neighbour.done), 'slept');
      await allIsWell();
    });
  }

  it('is replaced when it dies between calls', async () => {
    await call({ do: 'later' });
    while (recorded.find('an idle thread died').length === 0) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await allIsWell();
  });

  it('answers errors as it does in the loop', async () => {
    const thrown = await call({ do: 'throw' });
    assert.equal(thrown.outcome, 'handler_error');
    assert.equal(thrown.error?.message, 'inside');
    const refused = await call({ do: 'refuse' });
    assert.equal(refused.outcome, 'service_error');
    assert.equal(refused.status, 409);
    assert.equal(text(refused), '{"by":"me"}');
    const cycle = await call({ do: 'cycle' });
    assert.equal(cycle.outcome, 'bad_reply');
    assert.match(headersOf(cycle)['Nats-Service-Error'] ?? '', /contains itself/);
    assert.equal((await call({ do: 'kept' }, { maxReplyBytes: 20 })).outcome, 'bad_reply');
    assert.equal((await call({}, { body: Buffer.from('{') })).outcome, 'bad_request');
  });

  it('never begins a call whose deadline passed while every thread was taken', async () => {
    const busy = [start({ do: 'compute', ms: 600 }), start({ do: 'compute', ms: 600 })];
    const completion = await call({ do: 'hang' }, { ms: 100 });
    assert.equal(completion.outcome, 'deadline');
    for (const { done } of busy) assert.equal((await done).outcome, 'ok');
    assert.ok(!recorded.find('hanging').some((line) => line.call === `call-${calls}`));
    await allIsWell();
  });

  it('may be written in TypeScript', async () => {
    const file = join(dir, 'typed.ts');
    const code =
      'export default { threads: true, slots: 1, run: (input: number[]): number => input.length };';
    writeFileSync(file, code);
    const { functions } = await loadFunctions([file], { log: recorded.log });
    const [typed] = functions;
    assert.ok(typed);
    const completion = await executor.run(typed, invocation({ body: Buffer.from('[1,2]') })).done;
    assert.equal(text(completion), '2');
  });

  it('settles what runs when the executor closes', async () => {
    const own = new Executor({ clock: systemClock, log: recorded.log });
    await own.prepare(fn);
    const running = own.run(fn, invocation({ body: Buffer.from('{"do":"hang"}') }));
    await own.close();
    assert.equal((await running.done).outcome, 'cancelled');
  });
});
