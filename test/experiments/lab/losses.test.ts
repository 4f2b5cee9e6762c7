import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { LedgerRun } from '../../../experiments/harness/ledger.ts';
import {
  type CellRun,
  cellName,
  checkCells,
  type LossCall,
  lossOf,
} from '../../../experiments/lab/losses/checks.ts';
import { lossesMarkdown } from '../../../experiments/lab/losses/markdown.ts';
import { PHASES } from '../../../experiments/lab/losses/phases.ts';
import { LOSS_CELLS, lossCells, runLosses } from '../../../experiments/lab/losses/run.ts';
import { LOSS_PHASES } from '../../../experiments/lab/result.ts';

const BUDGET_MS = 2000;

/** A run of call 2; it did not come to its end without `endedAt`. */
function ran(beganAt: number, endedAt?: number, call = 2): LedgerRun {
  const end = endedAt === undefined ? 'open' : 'ended';
  return { worker: 'worker', call, beganAt, endedAt: endedAt ?? Number.POSITIVE_INFINITY, end };
}

/** A call that was sent at 1000 and answered with its own result 300 ms later. */
function seen(own: Partial<LossCall> = {}): LossCall {
  return {
    call: 2,
    sentAt: 1000,
    endedAt: 1300,
    status: 200,
    code: 'ok',
    started: undefined,
    isOwn: true,
    ...own,
  };
}

/** A cell in which all went well. */
function cell(own: Partial<CellRun> = {}): CellRun {
  return {
    part: 'worker',
    signal: 'SIGTERM',
    phase: 'running',
    budgetMs: BUDGET_MS,
    call: seen(),
    next: undefined,
    others: [],
    runs: [ran(1050, 1250)],
    continuedAt: undefined,
    ...own,
  };
}

/** The checks that such a cell breaks. */
function broken(own: Partial<CellRun>): string[] {
  return checkCells([cell(own)], [])
    .filter(({ ok }) => !ok)
    .map(({ says, got }) => `${says}: ${got}`);
}

const refused = seen({ status: 503, code: 'no_responders', started: 'no', isOwn: false });

describe('the judge of the loss table', () => {
  test('finds nothing wrong with a result, a no that did not run, and an unknown of both kinds', () => {
    assert.deepEqual(broken({}), []);
    assert.deepEqual(broken({ call: refused, runs: [] }), []);
    const lost = seen({ status: 502, code: 'worker_lost', started: 'unknown', isOwn: false });
    assert.deepEqual(broken({ signal: 'SIGKILL', call: lost }), []);
    assert.deepEqual(broken({ signal: 'SIGKILL', call: lost, runs: [] }), []);
  });

  test('catches a call that was told `started: no` and ran', () => {
    const [what = '', ...more] = broken({ call: refused });
    assert.match(
      what,
      /`started: no` was begun: worker\/SIGTERM\/running: call 2 was told 503 no_responders started: no and ran/,
    );
    assert.deepEqual(more, []);
  });

  test('catches it also with a call that only helped', () => {
    const others = [{ ...refused, call: 1 }];
    const runs = [...cell().runs, ran(1100, undefined, 1)];
    assert.match(broken({ others, runs }).join(), /call 1 was told 503 no_responders started: no and ran/);
  });

  test('catches a call that was begun twice', () => {
    const runs = [...cell().runs, ran(1400, 1500)];
    assert.match(broken({ runs }).join(), /call 2 was begun 2 times/);
  });

  test('catches a result without a run, of another call, and that was there before its run had ended', () => {
    assert.match(broken({ runs: [] }).join(), /call 2 got a result without a run/);
    assert.match(broken({ runs: [ran(1050, 1250, 7)] }).join(), /without a run/);
    assert.match(broken({ runs: [ran(1050, 1350)] }).join(), /without a run/);
    assert.match(broken({ call: seen({ isOwn: false }) }).join(), /got the result of another call/);
  });

  test('catches an answer, and the end of a connection, that come too late', () => {
    const late = { code: 'deadline_exceeded', started: 'unknown', isOwn: false, endedAt: 3251 } as const;
    assert.match(
      broken({ signal: 'SIGKILL', call: seen({ ...late, status: 504 }) }).join(),
      /call 2 was told 504 deadline_exceeded started: unknown 251 ms late/,
    );
    assert.match(
      broken({ part: 'gateway', signal: 'SIGKILL', call: seen({ ...late, status: 0 }) }).join(),
      /late/,
    );
    assert.deepEqual(broken({ signal: 'SIGKILL', call: seen({ ...late, status: 504, endedAt: 3249 }) }), []);
  });

  test('gives a gateway that was stopped, and it alone, until it goes on', () => {
    const call = seen({
      status: 504,
      code: 'deadline_exceeded',
      started: 'unknown',
      isOwn: false,
      endedAt: 4200,
    });
    const stopped = { signal: 'SIGSTOP', call, continuedAt: 4000 } as const;
    assert.deepEqual(broken({ ...stopped, part: 'gateway' }), []);
    assert.match(broken({ ...stopped, part: 'worker' }).join(), /1200 ms late/);
    assert.match(
      broken({ ...stopped, part: 'gateway', call: { ...call, endedAt: 4300 } }).join(),
      /300 ms late/,
    );
  });

  test('catches a run that begins after its deadline', () => {
    const call = seen({ status: 504, code: 'deadline_exceeded', started: 'unknown', isOwn: false });
    const runs = [ran(3150)];
    assert.match(broken({ signal: 'SIGSTOP', call, runs }).join(), /call 2 was begun 150 ms late/);
  });

  test('catches what is lost by SIGTERM of a worker or a gateway, and leaves the broker alone', () => {
    const call = seen({ status: 502, code: 'worker_lost', started: 'unknown', isOwn: false });
    assert.match(broken({ call }).join(), /loses nothing.*call 2 was told 502 worker_lost started: unknown/);
    assert.match(
      broken({ part: 'gateway', call: seen({ status: 0, code: 'ECONNRESET' }) }).join(),
      /loses nothing/,
    );
    assert.deepEqual(broken({ part: 'broker', call }), []);
    assert.deepEqual(broken({ signal: 'SIGKILL', call }), []);
  });

  test('catches a system that does not answer afterwards, and cells that could not be run', () => {
    assert.match(broken({ next: { ...refused, call: 3 } }).join(), /call 3 was told 503 no_responders/);
    const checks = checkCells(
      [],
      [{ part: 'broker', signal: 'SIGKILL', phase: 'parked', reason: 'no demand' }],
    );
    assert.deepEqual(
      checks.filter(({ ok }) => !ok).map(({ got }) => got),
      ['broker/SIGKILL/parked: no demand'],
    );
  });
});

test('a call that had left its phase when the signal came is found by its ledger', () => {
  const run = ran(1000, 1200);
  const phasesAt = (at: number, noted: LedgerRun | undefined) =>
    LOSS_PHASES.filter((phase) => PHASES[phase].isIn(noted, at));
  assert.deepEqual(phasesAt(990, run).slice(0, 3), ['before it is sent', 'parked', 'on the way']);
  assert.equal(phasesAt(1100, run).includes('running'), true);
  assert.deepEqual(phasesAt(1300, run), ['answering']);
  assert.deepEqual(phasesAt(1300, undefined), ['before it is sent', 'parked', 'on the way']);
});

test('a cell tells what its caller saw, and what became of the work', () => {
  const { status, code, tookShare, work, ...rest } = lossOf(cell());
  assert.deepEqual([status, code, tookShare, work], [200, 'ok', 0.15, 'ended']);
  assert.equal('started' in rest, false);
  assert.equal(lossOf(cell({ runs: [ran(1050)] })).work, 'began');
  assert.equal(lossOf(cell({ call: refused, runs: [] })).work, 'never began');
  assert.equal(lossOf(cell({ call: refused, runs: [] })).started, 'no');
});

test('cells are chosen by the beginning of their name, and an unknown one is refused in one line', () => {
  assert.equal(LOSS_CELLS.length, 45);
  assert.equal(lossCells([]).length, 45);
  assert.equal(lossCells(['broker']).length, 15);
  assert.equal(lossCells(['worker/sigkill', 'gateway/SIGTERM']).length, 10);
  assert.deepEqual(lossCells(['gateway/SIGSTOP/on-the-way']).map(cellName), ['gateway/SIGSTOP/on the way']);
  assert.throws(
    () => lossCells(['worker/SIG']),
    /no cell of the loss table is called "worker\/SIG", must be/,
  );
});

test('the page has a row for each phase, and says what did not hold', () => {
  const losses = {
    budgetMs: BUDGET_MS,
    cells: [lossOf(cell()), lossOf(cell({ phase: 'parked', call: refused, runs: [] }))],
    checks: checkCells([cell({ call: refused })], []),
  };
  const page = lossesMarkdown({
    at: '2026-11-22T10:00:00.000Z',
    command: 'npm run lab -- losses',
    versions: { node: '20.19.0' },
    machine: { processor: 'a processor', cores: 2, memoryGiB: 3.9, system: 'Linux' },
    losses,
  });
  assert.ok(page.includes('\n| running | **200** at 0.1; ran to its end |  |  |\n'), page);
  assert.ok(
    page.includes('\n| parked | 503 `no_responders` at 0.1, started: **no**; never ran |  |  |\n'),
    page,
  );
  assert.match(
    page,
    /Found not to hold:[\s\S]*no call whose caller was told `started: no` was begun: worker/,
  );
  assert.match(page, /2026-11-22: node 20.19.0; a processor, 2 cores, 4 GiB, Linux\./);
});

test('cells on real processes: what runs while its worker is killed, what is parked while it leaves', {
  timeout: 120_000,
}, async () => {
  const only = ['worker/SIGKILL/running', 'worker/SIGTERM/parked', 'gateway/SIGKILL/on the way'];
  const told: string[] = [];
  const { cells, checks } = await runLosses({
    only,
    signal: new AbortController().signal,
    env: process.env,
    onCell: (name) => void told.push(name),
  });
  assert.deepEqual(
    checks.filter(({ ok }) => !ok),
    [],
  );
  assert.deepEqual(
    cells.map(({ part, status, started, work }) => [part, status, started, work]),
    [
      ['worker', 503, 'no', 'never began'],
      ['worker', 502, 'unknown', 'began'],
      ['gateway', 0, undefined, 'ended'],
    ],
  );
  assert.deepEqual(told.toSorted(), only.toSorted());
});

test('an abort ends the cells that run', { timeout: 60_000 }, async () => {
  const controller = new AbortController();
  const losses = runLosses({ signal: controller.signal, env: process.env });
  controller.abort(new Error('that is enough'));
  await assert.rejects(losses, /that is enough/);
});
