import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { prepareLab } from '../../../experiments/lab/command.ts';
import { labResultSchema } from '../../../experiments/lab/result.ts';
import { isPassed, resultText } from '../../../experiments/lab/result-text.ts';
import { estimateMs } from '../../../experiments/lab/run-lab.ts';
import { SCENARIOS, selectScenarios } from '../../../experiments/lab/scenarios/all.ts';
import { findNatsServer } from '../../../lib/nats-server.ts';
import { OptionsError } from '../../../lib/options.ts';
import { runCommand } from '../../support/cli.ts';
import { until } from '../../support/until.ts';

const main = fileURLToPath(new URL('../../../experiments/lab/main.ts', import.meta.url));

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'lab-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('an experiment that does not exist, an unknown flag and a folder that is not there are refused', () => {
  const refused = (args: string[], message: RegExp) =>
    assert.throws(
      () => prepareLab(args, {}),
      (error) => error instanceof OptionsError && message.test(error.message),
    );
  refused(['6', '77'], /no experiment "77", must be of 1, 2, .*13/);
  refused(['--quick'], /unknown option --quick/);
  refused(['--out', '/there/is/no/report.html'], /there is no folder \/there\/is\/no/);
});

test('all thirteen experiments are run unless some are named, each once and in order', () => {
  const ids = (names: string[]) => selectScenarios(names).map(({ id }) => id);
  assert.deepEqual(
    ids([]),
    Array.from({ length: 13 }, (_, index) => String(index + 1)),
  );
  assert.deepEqual(ids(['11', '2', '2']), ['2', '11']);
});

test('an estimate adds variants up when time is divided, and takes the longest when they run side by side', () => {
  const scenarios = SCENARIOS.filter(({ id }) => id === '6');
  assert.ok(estimateMs(scenarios, 1) > 75_000 && estimateMs(scenarios, 1) < 100_000);
  assert.ok(estimateMs(scenarios, 10) > 15_000 && estimateMs(scenarios, 10) < 30_000);
});

test('a scenario that breaks counts as failed', () => {
  const about = { id: '1', title: 'One', question: 'Why?', notebook: 'So.' };
  const result = {
    at: '2030-01-01T00:00:00.000Z',
    command: 'npm run lab --',
    speedUp: 1,
    versions: {},
    machine: { processor: 'a', cores: 1, memoryGiB: 1, system: 'a' },
    scenarios: [{ ...about, variants: [], checks: [], error: 'the worker ended' }],
  };
  assert.equal(isPassed(result), false);
  assert.match(resultText(result), /FAILED {2}the worker ended[\s\S]*1 scenarios did not run to their end/);
});

describe('the program', () => {
  test('--help lists every setting, and a wrong one is one line and exit code 2', async (t) => {
    const help = runCommand(t, ['--help'], { main });
    assert.deepEqual(await help.ended, { code: 0, signal: null });
    assert.match(help.output, /^usage: npm run lab -- \[number]\.\.\. .*\n\n {2}--\[no-]fast /);
    const wrong = runCommand(t, ['77'], { main });
    assert.deepEqual(await wrong.ended, { code: 2, signal: null });
    assert.match(wrong.errors, /^lab: there is no experiment "77", must be of .*\n$/);
  });

  test('an experiment runs on real processes, its result is JSON alone, and nothing is left behind', async (t) => {
    const folder = temporaryFolder(t);
    const command = runCommand(t, ['4', '--fast', '--json'], { main, env: { TMPDIR: folder } });
    assert.deepEqual(await command.ended, { code: 0, signal: null }, command.output + command.errors);
    const result = labResultSchema.parse(JSON.parse(command.output));
    assert.deepEqual(
      result.scenarios.map(({ id, error }) => [id, error]),
      [['4', undefined]],
    );
    assert.equal(result.speedUp, 10);
    assert.equal(isPassed(result), true);
    const [plain, ours] = result.scenarios[0]?.variants ?? [];
    assert.deepEqual([plain?.kind, ours?.kind], ['plain', 'ours']);
    assert.ok((plain?.offered ?? 0) > 10);
    assert.equal(ours?.offered, plain?.offered);
    assert.match(plain?.log.at(-1) ?? '', /^call \d+ begins, \d+ pending$/);
    assert.match(ours?.log[0] ?? '', /"running":\d+,"buffered":0,"parked":\d+/);
    // What `top` showed when most was parked: the last line is the gateway's.
    assert.match(ours?.log.at(-1) ?? '', /^ {2}gw-\S+ +[1-9]\d*$/);
    assert.match(command.errors, /^4 How much waits where: plain, about \d+ s left$/m);
    assert.deepEqual(leftIn(folder), []);
  });

  test('a check that fails is told in full, and the exit code is 1', async (t) => {
    // A broker that forbids what the calls are published to: nobody learns that there are no workers.
    const folder = temporaryFolder(t);
    const bin = await findNatsServer({
      bin: process.env.NATS_SERVER_BIN,
      path: process.env.PATH,
      log: pino({ level: 'silent' }),
    });
    const sabotaged = join(folder, 'nats-server');
    const rule =
      'authorization { users = [ { user: a, password: a, permissions: { publish: { deny: "now.call.>" } } } ] }';
    writeFileSync(
      sabotaged,
      `#!/bin/sh\nif [ "$1" = --config ]; then printf '%s\\n' '${rule}' 'no_auth_user: a' >> "$2"; fi\nexec '${bin}' "$@"\n`,
      { mode: 0o755 },
    );
    const command = runCommand(t, ['1', '--fast'], { main, env: { NATS_SERVER_BIN: sabotaged } });
    assert.deepEqual(await command.ended, { code: 1, signal: null }, command.errors);
    assert.match(
      command.output,
      /FAILED {2}every call is refused: 503 no_responders, started: no\n +got: 0 of \d+/,
    );
    assert.match(command.output, /\d+ of \d+ checks passed\n$/);
  });

  test('an interrupt ends every process that was started', {
    skip: !existsSync('/proc/self/environ'),
  }, async (t) => {
    const folder = temporaryFolder(t);
    const command = runCommand(t, ['6', '--fast'], { main, env: { TMPDIR: folder } });
    // Broker, gateway, two plain workers.
    await until(
      () => processesOf(folder, command.child.pid).length >= 4 || undefined,
      20_000,
      'the processes',
    );
    command.child.kill('SIGINT');
    assert.deepEqual(await command.ended, { code: 1, signal: null });
    assert.match(command.errors, /interrupted, its processes have ended/);
    assert.deepEqual(processesOf(folder, command.child.pid), []);
    assert.deepEqual(leftIn(folder), []);
  });
});

/** What was left in a folder for temporary files; what runs the source keeps a cache there. */
function leftIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('tsx-'));
}

/** Processes whose environment names a folder, but for one. */
function processesOf(folder: string, but: number | undefined): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== but);
  return pids.filter((pid) => environmentOf(pid).includes(`TMPDIR=${folder}`)).map(Number);
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    // It has ended, or is another user's.
    return '';
  }
}
