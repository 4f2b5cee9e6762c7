import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BusMessage, NO_DATA } from '../../../lib/bus.ts';
import { Inbox } from '../../../lib/inbox.ts';
import { Subjects } from '../../../protocol/subjects.ts';
import { Phase } from '../../../workers/serve/phase.ts';
import { Pulls } from '../../../workers/serve/pulls.ts';
import { Slots } from '../../../workers/serve/slots.ts';
import { FakeBroker } from '../../support/fake-bus.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLog } from '../../support/log.ts';

/** Pulls of three slots, and a gateway that answers each as the test says. */
async function setUp() {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock });
  const [bus, gateway] = [broker.connect('worker'), broker.connect('gateway')];
  const subjects = new Subjects();
  const inbox = new Inbox(bus, subjects.replies('w'));
  inbox.start();
  const phase = new Phase(silentLog);
  const slots = new Slots(3, phase);
  const taken: BusMessage[] = [];
  let idle = 0;
  const pulls: Pulls = new Pulls({
    worker: 'w',
    fn: 'f',
    group: 'g',
    bus,
    clock,
    subjects,
    inbox,
    slots,
    onOutcome: (outcome) => {
      if (outcome.kind === 'call') {
        taken.push(outcome.message);
        slots.began();
        pulls.answered(Number(outcome.message.headers()?.['now-parked'] ?? 0));
      } else if (pulls.endedInVain(outcome)) idle++;
    },
  });
  const direct: BusMessage[] = [];
  gateway.subscribe(subjects.pullFrom('gw'), (message) => direct.push(message));
  await clock.advance(1);
  const demand = (parked: number, free = 0) => pulls.demanded({ gateway: 'gw', parked, at: 0, free });
  const answer = async (pull: BusMessage | undefined, name: string, value: string) => {
    gateway.publish(pull?.reply ?? 'nowhere', NO_DATA, { headers: [[name, value]] });
    await clock.advance(1);
  };
  const sent = (subject: string) => broker.published.filter((message) => message.subject === subject).length;
  const end = async () => {
    pulls.stop();
    inbox.stop();
    await clock.advance(20);
    assert.equal(clock.pending, 0);
  };
  return {
    clock,
    phase,
    pulls,
    slots,
    inbox,
    taken,
    direct,
    demand,
    answer,
    sent,
    end,
    idleCount: () => idle,
  };
}

test('nobody with parked calls ends the pulling, and that is told', async () => {
  const at = await setUp();
  at.pulls.callRefused();
  at.pulls.slotFreed();
  await at.clock.advance(1);
  assert.equal(at.sent('now.pull.f.g'), 1);
  assert.equal(at.idleCount(), 1);
  at.pulls.slotFreed();
  await at.clock.advance(1);
  assert.equal(at.sent('now.pull.f.g'), 1);
  assert.deepEqual([at.slots.reserved, at.inbox.size], [0, 0]);
  await at.end();
});

test('a demand that comes while a pull is out is not lost when that pull finds nobody', async () => {
  const at = await setUp();
  at.slots.began();
  at.slots.began();
  at.pulls.callRefused();
  at.pulls.slotFreed();
  // The only slot is reserved: this demand can send no pull of its own.
  at.demand(1);
  await at.clock.advance(0.17);
  assert.equal(at.idleCount(), 0);
  assert.equal(at.sent('now.pull.f.g'), 2);
  await at.clock.advance(1);
  assert.equal(at.idleCount(), 1);
  await at.end();
});

test('what the demanding gateway has not any more is asked of any gateway', async () => {
  const at = await setUp();
  at.demand(1);
  await at.clock.advance(1);
  assert.equal(at.direct.length, 1);
  await at.answer(at.direct[0], 'Now-Signal', 'empty');
  assert.equal(at.sent('now.pull.f.g'), 1);
  await at.end();
});

test('a call that says how many more are parked is followed by as many pulls as slots are free', async () => {
  const at = await setUp();
  at.demand(1);
  await at.clock.advance(1);
  await at.answer(at.direct[0], 'Now-Parked', '5');
  assert.equal(at.taken.length, 1);
  assert.equal(at.sent('now.pull.f.g'), 2);
  await at.end();
});

test('the only worker with free slots always answers demand, however many it has', async (t) => {
  const at = await setUp();
  t.mock.method(Math, 'random', () => 0.999);
  at.demand(1, 3);
  await at.clock.advance(1);
  assert.equal(at.direct.length, 1);
  await at.end();
});

test('where many slots are free elsewhere a worker answers some demand only', async (t) => {
  const at = await setUp();
  const random = t.mock.method(Math, 'random', () => 0.07);
  at.demand(1, 100);
  await at.clock.advance(1);
  assert.equal(at.direct.length, 0);
  random.mock.mockImplementation(() => 0.05);
  at.demand(1, 100);
  await at.clock.advance(1);
  assert.equal(at.direct.length, 1);
  await at.end();
});

test('while it drains it sends no pull, and is drained when the last one is answered or given up', async () => {
  const at = await setUp();
  at.demand(2);
  await at.clock.advance(1);
  let isDrained = false;
  at.phase.drainBegan();
  void at.pulls.settled().then(() => {
    isDrained = true;
  });
  at.demand(1);
  at.pulls.slotFreed();
  await at.answer(at.direct[0], 'Now-Parked', '3');
  assert.equal(isDrained, false);
  assert.equal(at.direct.length, 2);
  await at.clock.advance(280);
  assert.equal(isDrained, true);
  assert.equal(at.sent('now.pull.f.g'), 0);
  await at.end();
});
