import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { NO_DATA } from '../../../lib/bus.ts';
import {
  type DiscoveryVerb,
  discoverySubject,
  infoResponseSchema,
  pingResponseSchema,
  statsResponseSchema,
} from '../../../protocol/discovery.ts';
import { Subjects } from '../../../protocol/subjects.ts';
import { readDefinition } from '../../../workers/api/define.ts';
import { Executor } from '../../../workers/run/execute.ts';
import { Worker } from '../../../workers/serve/worker.ts';
import { FakeBroker } from '../../support/fake-bus.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLog as log } from '../../support/log.ts';

const schemas = { PING: pingResponseSchema, INFO: infoResponseSchema, STATS: statsResponseSchema };

function startWorker() {
  const clock = new FakeClock();
  const broker = new FakeBroker({ clock });
  const executor = new Executor({ clock, log });
  const functions = [
    readDefinition(
      {
        name: 'resize',
        description: 'makes pictures small',
        slots: 3,
        input: z.object({ width: z.number() }),
        run: (input: { width: number }) => {
          if (input.width > 100) throw new Error('too wide');
          return input.width;
        },
      },
      {},
    ),
    readDefinition(() => 1, { name: 'one' }),
  ];
  const worker = new Worker({
    id: 'w1',
    group: 'workers',
    functions,
    bus: broker.connect('worker'),
    clock,
    log,
    subjects: new Subjects('now'),
    run: (fn, call) => executor.run(fn, call),
  });
  worker.start();
  const asker = broker.connect('asker');
  let asked = 0;
  const ask = async (subject: string, data = NO_DATA, contentType?: string) => {
    const answers: Uint8Array[] = [];
    const reply = `_INBOX.${asked++}`;
    const subscription = asker.subscribe(reply, (message) => void answers.push(message.data));
    await clock.advance(1);
    asker.publish(subject, data, {
      reply,
      headers: contentType === undefined ? [] : [['Content-Type', contentType]],
    });
    await clock.advance(20);
    subscription.unsubscribe();
    return answers.map((answer) => new TextDecoder().decode(answer));
  };
  const stop = () => Promise.all([worker.stop(), clock.advance(20)]);
  return { ask, stop };
}

for (const verb of Object.keys(schemas) as DiscoveryVerb[]) {
  test(`${verb} is answered once for each function, and by name and id`, async () => {
    const { ask, stop } = startWorker();
    const read = (answers: string[]) =>
      answers.map((answer) => schemas[verb].strict().parse(JSON.parse(answer)).name);
    assert.deepEqual(read(await ask(discoverySubject(verb))), ['resize', 'one']);
    assert.deepEqual(read(await ask(discoverySubject(verb, 'one'))), ['one']);
    assert.deepEqual(read(await ask(discoverySubject(verb, 'resize', 'w1'))), ['resize']);
    assert.deepEqual(await ask(discoverySubject(verb, 'resize', 'w2')), ['']);
    await stop();
    assert.deepEqual(await ask(discoverySubject(verb, 'one')), [''], 'a worker that left answers no more');
  });
}

test('INFO shows the schema, the slots and where the function is called', async () => {
  const { ask, stop } = startWorker();
  const [answer = ''] = await ask('$SRV.INFO.resize');
  const { description, endpoints } = infoResponseSchema.parse(JSON.parse(answer));
  const [endpoint] = endpoints;
  assert.equal(description, 'makes pictures small');
  assert.deepEqual([endpoint?.subject, endpoint?.queue_group], ['now.call.resize', 'workers']);
  assert.deepEqual([endpoint?.metadata.slots, endpoint?.metadata.protocol], ['3', '1']);
  assert.deepEqual(JSON.parse(endpoint?.metadata.input ?? '').properties, { width: { type: 'number' } });
  await stop();
});

test('STATS counts requests and errors, with times in whole nanoseconds', async () => {
  const { ask, stop } = startWorker();
  const body = (width: number) => new TextEncoder().encode(JSON.stringify({ width }));
  await ask('now.call.resize', body(1), 'application/json');
  await ask('now.call.resize', body(101), 'application/json');
  const [answer = ''] = await ask('$SRV.STATS.resize');
  const [endpoint] = statsResponseSchema.parse(JSON.parse(answer)).endpoints;
  assert.deepEqual([endpoint?.num_requests, endpoint?.num_errors], [2, 1]);
  assert.equal(endpoint?.last_error, '500:handler_error');
  assert.deepEqual(endpoint?.data, { running: 0, buffered: 0, free: 3, busy: 0, expired: 0, cancelled: 0 });
  await stop();
});
