import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Observer } from '../../observe/observer.ts';
import { encodeJson } from '../../protocol/json.ts';
import type { FunctionState, State } from '../../protocol/state.ts';
import { Subjects } from '../../protocol/subjects.ts';
import { readDefinition } from '../../workers/api/define.ts';
import { Executor } from '../../workers/run/execute.ts';
import { Worker } from '../../workers/serve/worker.ts';
import { FakeBroker } from '../support/fake-bus.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { silentLog as log } from '../support/log.ts';

const subjects = new Subjects();
const JOB: FunctionState = { group: 'workers', slots: 2, free: 1, running: 1, buffered: 0, serviceMs: 50 };

function setUp() {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock });
  const bus = broker.connect('top');
  const other = broker.connect('other');
  const observer = new Observer({ id: 'top-1', bus, clock, subjects });
  observer.start();
  return {
    clock,
    broker,
    bus,
    observer,
    async state(worker: string, functions: State['functions'], rest: Partial<State> = {}) {
      const state: State = { at: clock.wall(), functions, ...rest };
      other.publish(subjects.state(worker), encodeJson(state));
      await clock.advance(1);
    },
    async demand(gateway: string, parked: number) {
      other.publish(subjects.demand('job', 'workers'), encodeJson({ gateway, parked, at: clock.wall() }));
      await clock.advance(1);
    },
  };
}

test('the state of workers is summed by function and group', async () => {
  const { observer, state } = setUp();
  await state('w-2', { job: JOB });
  await state('w-1', { job: { ...JOB, free: 0, running: 2, buffered: 3 }, echo: JOB });
  await state('w-3', { job: { ...JOB, group: 'b' } });
  const { functions } = observer.snapshot();
  assert.deepEqual(
    functions.map((fn) => [fn.function, fn.group, fn.workers.map(({ worker }) => worker)]),
    [
      ['echo', 'workers', ['w-1']],
      ['job', 'b', ['w-3']],
      ['job', 'workers', ['w-1', 'w-2']],
    ],
  );
  const { slots, free, running, buffered } = functions[2] ?? assert.fail('no third function');
  assert.deepEqual([slots, free, running, buffered], [4, 1, 3, 3]);
});

test('a worker that tells one function only keeps the others', async () => {
  const { observer, state } = setUp();
  await state('w-1', { job: JOB, echo: JOB });
  await state('w-1', { job: { ...JOB, free: 2, running: 0 } });
  assert.deepEqual(
    observer.snapshot().functions.map(({ running }) => running),
    [1, 0],
  );
});

test('a worker that says bye is gone at once, a silent one after ten seconds', async () => {
  const { observer, state, clock } = setUp();
  await state('w-1', { job: JOB });
  await state('w-2', { job: JOB });
  await state('w-1', { job: JOB }, { bye: true });
  await clock.advance(3000);
  const [job] = observer.snapshot().functions;
  assert.deepEqual(
    job?.workers.map(({ worker, silentMs }) => [worker, Math.floor(silentMs / 1000)]),
    [['w-2', 3]],
  );
  await clock.advance(7100);
  assert.deepEqual(observer.snapshot().functions, []);
});

test('what is parked is summed over gateways, and held until their demand stops', async () => {
  const { observer, state, demand, clock } = setUp();
  await state('w-1', { job: JOB });
  await demand('gw-a', 5);
  await demand('gw-b', 2);
  await demand('gw-a', 4);
  const [job] = observer.snapshot().functions;
  assert.equal(job?.parked, 6);
  assert.deepEqual(job?.gateways, [
    { gateway: 'gw-a', parked: 4 },
    { gateway: 'gw-b', parked: 2 },
  ]);
  await clock.advance(601);
  assert.equal(observer.snapshot().functions[0]?.parked, 0);
});

test('what is no message of ours changes nothing', async () => {
  const { observer, bus, clock, broker } = setUp();
  bus.publish(subjects.state('w-1'), new TextEncoder().encode('{"functions":1}'));
  bus.publish(subjects.demand('job', 'workers'), new Uint8Array([255]));
  await clock.advance(1);
  assert.deepEqual(observer.snapshot().functions, []);
  assert.deepEqual(broker.errors, []);
});

test('rates come from the statistics of real workers', async () => {
  const { observer, broker, clock, bus } = setUp();
  const executor = new Executor({ clock, log });
  const worker = new Worker({
    id: 'w1',
    group: 'workers',
    functions: [readDefinition(() => 1, { name: 'job' })],
    bus: broker.connect('worker'),
    clock,
    log,
    subjects,
    run: (fn, call) => executor.run(fn, call),
  });
  worker.start();
  await clock.advance(600);
  const calls = async (count: number) => {
    for (let n = 0; n < count; n++)
      bus.publish(subjects.call('job'), new Uint8Array(0), { reply: 'nowhere' });
    await clock.advance(100);
  };
  observer.ask();
  await clock.advance(1);
  assert.equal(observer.snapshot().functions[0]?.perSecond, null);
  await calls(7);
  await clock.advance(900);
  observer.ask();
  await clock.advance(1);
  const [job] = observer.snapshot().functions;
  assert.equal(Math.round(job?.perSecond?.done ?? 0), 7);
  assert.equal(job?.perSecond?.errors, 0);
  assert.equal(job?.slots, 16);
  await clock.advance(5001);
  assert.equal(observer.snapshot().functions[0]?.perSecond, null);
  await Promise.all([worker.stop(), clock.advance(20)]);
  observer.stop();
  assert.equal(bus.subscriptions, 0);
  assert.deepEqual(broker.errors, []);
});
