import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Logger, pino } from 'pino';
import { createLogger } from '../../../lib/log.ts';
import { CallLog } from '../../../workers/serve/call-log.ts';

const fields = fc.record({
  call: fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/),
  requestId: fc.oneof(fc.constant(undefined), fc.string({ unit: 'binary', maxLength: 2000, size: 'max' })),
  outcome: fc.constantFrom('ok', 'handler_error', 'deadline'),
  waitMs: fc.nat(),
  workMs: fc.nat(),
  running: fc.nat(),
  buffered: fc.nat(),
  parked: fc.nat(),
});

/** What two ways of logging wrote, without the time. */
function written(makeLog: (write: (text: string) => void) => Logger): [CallLog, Logger, () => string[]] {
  let text = '';
  const log = makeLog((line) => {
    text += line;
  }).child({ fn: 'resize "it"' });
  const take = () => {
    log.flush();
    const lines = text
      .replaceAll(/"time":"[^"]*"/g, '"time":""')
      .trimEnd()
      .split('\n');
    text = '';
    return lines;
  };
  return [new CallLog(log), log, take];
}

for (const [what, makeLog] of [
  [
    'our log',
    (write: (text: string) => void) =>
      createLogger({ service: 'worker', level: 'info', out: { writableLength: 0, write, on: () => {} } }),
  ],
  ['a log of pino’s own', (write: (text: string) => void) => pino({ base: { a: 1 } }, { write })],
] as const) {
  test(`the line of a call is the one that pino writes, in ${what}`, () => {
    const [calls, log, take] = written(makeLog);
    fc.assert(
      fc.property(fields, (ended) => {
        calls.ended(ended);
        log.info(ended, 'call');
        const [ours, pinos] = take();
        const { time: _time, ...line } = JSON.parse(ours ?? '');
        const { time: _itsTime, requestId, ...its } = JSON.parse(pinos ?? '');
        const cut = requestId?.length > 1000 ? `${ended.requestId?.slice(0, 1000)}...` : requestId;
        assert.deepEqual(line, cut === undefined ? its : { ...its, requestId: cut });
        if (what === 'our log') assert.equal(ours, pinos);
      }),
    );
  });
}

test('below its level nothing is written', () => {
  const [calls, log, take] = written((write) => pino({ level: 'warn' }, { write }));
  calls.ended({
    call: 'c',
    requestId: 'r',
    outcome: 'ok',
    waitMs: 0,
    workMs: 0,
    running: 0,
    buffered: 0,
    parked: 0,
  });
  assert.deepEqual(take(), ['']);
  log.level = 'info';
  calls.ended({
    call: 'c',
    requestId: 'r',
    outcome: 'ok',
    waitMs: 0,
    workMs: 0,
    running: 0,
    buffered: 0,
    parked: 0,
  });
  assert.equal(take().length, 1);
});
