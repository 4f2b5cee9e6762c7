import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Phase, type PhaseName } from '../../../workers/serve/phase.ts';
import { Slots } from '../../../workers/serve/slots.ts';
import { recordingLog, silentLog } from '../../support/log.ts';

const events = ['lagBegan', 'lagEnded', 'drainBegan', 'stopped'] as const;

/** A phase that events have led to. */
const reached: Readonly<Record<PhaseName, readonly (typeof events)[number][]>> = {
  serving: [],
  lagging: ['lagBegan'],
  draining: ['drainBegan'],
  stopped: ['stopped'],
};

const moves: Readonly<Record<PhaseName, Partial<Record<(typeof events)[number], PhaseName>>>> = {
  serving: { lagBegan: 'lagging', drainBegan: 'draining', stopped: 'stopped' },
  lagging: { lagEnded: 'serving', drainBegan: 'draining', stopped: 'stopped' },
  draining: { stopped: 'stopped' },
  stopped: {},
};

function phaseAt(name: PhaseName): Phase {
  const phase = new Phase(silentLog);
  for (const event of reached[name]) phase[event]();
  return phase;
}

for (const from of Object.keys(reached) as PhaseName[]) {
  for (const event of events) {
    const to = moves[from][event];
    test(`${event} while ${from} ${to === undefined ? 'is refused' : `leads to ${to}`}`, () => {
      const phase = phaseAt(from);
      if (to === undefined) {
        assert.throws(() => phase[event](), new RegExp(`a worker that is ${from} cannot be`));
        assert.equal(phase.current, from);
      } else {
        phase[event]();
        assert.equal(phase.current, to);
      }
    });
  }
}

test('every move is logged', () => {
  const { log, find } = recordingLog();
  new Phase(log).drainBegan();
  assert.deepEqual(
    find('phase').map(({ from, to }) => [from, to]),
    [['serving', 'draining']],
  );
});

test('slots are free while the worker serves only, and a leaving one begins calls in those that are reserved', () => {
  const free = (name: PhaseName) => {
    const phase = new Phase(silentLog);
    const slots = new Slots(2, phase);
    slots.began();
    slots.reserve();
    for (const event of reached[name]) phase[event]();
    return { canBegin: slots.canBegin, free: slots.free };
  };
  assert.deepEqual(free('serving'), { canBegin: false, free: 0 });
  assert.deepEqual(free('lagging'), { canBegin: false, free: 0 });
  assert.deepEqual(free('draining'), { canBegin: true, free: 0 });
  assert.deepEqual(free('stopped'), { canBegin: true, free: 0 });
  assert.equal(new Slots(2, phaseAt('serving')).free, 2);
  assert.equal(new Slots(2, phaseAt('lagging')).canBegin, false);
});

test('slots refuse what cannot be', () => {
  const slots = new Slots(1, phaseAt('serving'));
  assert.throws(() => slots.ended(), /no call runs/);
  assert.throws(() => slots.release(), /no slot is reserved/);
  slots.began();
  assert.throws(() => slots.began(), /no slot can begin/);
  assert.throws(() => slots.reserve(), /no slot is free/);
});
