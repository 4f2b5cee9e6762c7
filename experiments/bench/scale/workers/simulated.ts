// Many workers in one process that speak the wire: they tell their states, and answer what is pushed to them at once.
import { pino } from 'pino';
import { NatsBus } from '../../../../lib/nats.ts';
import { reportHeaders } from '../../../../protocol/reply.ts';
import type { FunctionState, State } from '../../../../protocol/state.ts';
import { DEFAULT_GROUP, Subjects } from '../../../../protocol/subjects.ts';
import { RawPublisher } from './raw-publisher.ts';
import { FULL_FUNCTION, FUNCTION, type SimulatedSettings } from './settings.ts';

const SLOTS = 16;
const SERVICE_MS = 0.1;
const TICK_MS = 10;
const HELLO_JITTER_MS = 100;
const ANSWER = Buffer.from('{"ok":true}');

const settings: SimulatedSettings = JSON.parse(process.env.SIMULATED ?? '{}');
const subjects = new Subjects();
const bus = new NatsBus({ servers: settings.url, name: 'simulated', log: pino({ level: 'silent' }) });

interface Simulated {
  readonly id: string;
  readonly group: string;
  /** The fields of its state but the time, as JSON without the first brace. */
  readonly stateRest: string;
}

const workers = [fullWorker(), ...freeWorkers()];
const groups = new Map(workers.map(({ id, group }) => [id, group]));
let told = 0;
const workPrefix = subjects.work('', '').split('..')[0] ?? '';

process.once('disconnect', () => process.exit(0));
const states = await RawPublisher.open(settings.url);
bus.start();
await new Promise<void>((resolve) => {
  bus.onConnection((connected) => {
    if (connected) resolve();
  });
});
bus.subscribe(subjects.work('*', '*'), ({ subject, reply }) => {
  answer(reply, subject.slice(workPrefix.length + 1, subject.lastIndexOf('.')));
});
for (const [group, id] of new Map(workers.map(({ id, group }) => [group, id]))) {
  // For a gateway that knows nobody.
  bus.subscribe(subjects.call('*'), ({ reply }) => answer(reply, id), { queue: group });
}
bus.subscribe(subjects.hello(), () => setTimeout(() => tellStates(workers), Math.random() * HELLO_JITTER_MS));
await bus.flush();
tellStates(workers);
setInterval(tellDueStates, TICK_MS);
process.send?.('ready');

function answer(reply: string | undefined, id: string): void {
  if (reply === undefined) return;
  const report = { worker: id, group: groups.get(id), free: SLOTS, serviceMs: SERVICE_MS };
  bus.publish(reply, ANSWER, { headers: reportHeaders({ ...report, waitMs: 0, workMs: SERVICE_MS }) });
}

function* freeWorkers(): Generator<Simulated> {
  for (let group = 0; group < settings.groups; group++) {
    // The usual name where there is one only.
    const name = settings.groups === 1 ? DEFAULT_GROUP : `group${group}`;
    const state = { group: name, slots: SLOTS, free: SLOTS, running: 0, buffered: 0, serviceMs: SERVICE_MS };
    const names = Array.from({ length: settings.functions }, (_, i) => `${FUNCTION}${i}`);
    const stateRest = restOf(Object.fromEntries(names.map((fn) => [fn, state])));
    for (let i = 0; i < settings.workers; i++) yield { id: `sim-${group}-${i}`, group: name, stateRest };
  }
}

function fullWorker(): Simulated {
  const state = { group: DEFAULT_GROUP, slots: 1, free: 0, running: 1, buffered: 0, serviceMs: 1000 };
  return { id: 'sim-full', group: DEFAULT_GROUP, stateRest: restOf({ [FULL_FUNCTION]: state }) };
}

function restOf(functions: Readonly<Record<string, FunctionState>>): string {
  const state: Omit<State, 'at'> = { functions };
  return JSON.stringify(state).slice(1);
}

/** Spread over the interval, so that no moment has more to do than another. */
function tellDueStates(): void {
  const due = Math.floor((performance.now() / settings.stateMs) * workers.length);
  // After a pause each tells once.
  const from = Math.max(told, due - workers.length);
  const those = Array.from({ length: due - from }, (_, i) => workers[(from + i) % workers.length]);
  tellStates(those.flatMap((worker) => worker ?? []));
  told = due;
}

function tellStates(those: readonly Simulated[]): void {
  const head = `{"at":${Date.now()},`;
  for (const { id, stateRest } of those) states.add(subjects.state(id), head + stateRest);
  states.flush();
}
