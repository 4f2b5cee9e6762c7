// npm run test:mutations [-- <part of a name>...]: proves the model. Breaks a copy of the sources in one way at a time;
// the model must notice each. A text to be replaced that is not found is an error: the list has to follow the sources.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const RUNS = 600;
const SEED = 1;

/** `by`: the sentence test that must notice instead of the model. */
/** @type {{ name: string, file: string, from: string, to: string, by?: string }[]} */
const mutations = [
  {
    name: 'a gateway sends again what a silent worker holds',
    file: 'gateway/dispatch.ts',
    from: 'for (const leg of held) this.#endings.fail(leg, workerLost());',
    to: 'for (const leg of held) { this.#endings.retract(leg); this.#place(leg); }',
  },
  {
    name: 'a gateway takes a busy reply for no reply and sends twice',
    file: 'gateway/dispatch.ts',
    from: "this.#endings.retract(leg);\n    if (signal === 'busy') leg.refusals++;\n    this.#place(leg);",
    to: "this.#endings.retract(leg);\n    if (signal === 'busy') leg.refusals++;\n    this.#place(leg);\n    if (leg.state === 'sent') this.#place(leg);",
  },
  {
    name: 'a worker ignores deadlines',
    file: 'workers/intake.ts',
    from: 'if (arrival.deadlineAt <= clock.now()) this.#expire(arrival);\n    else if (this.#isDraining',
    to: 'if (this.#isDraining',
  },
  {
    name: 'a worker trusts the wall clock of the gateway',
    file: 'workers/arrival.ts',
    from: 'const ageMs = offsets.ageMs(call.gateway, sentWall, clock.wall(), arrivedAt);',
    to: 'const ageMs = clock.wall() - sentWall;',
  },
  {
    name: 'a worker does not see that it was stopped',
    file: 'workers/worker.ts',
    from: 'if (this.#isLate()) this.#setLagging(true);',
    to: '',
  },
  {
    name: 'the queue hands out what has expired',
    file: 'gateway/parking.ts',
    from: 'const isInTime = leftMs > leastMs;',
    to: 'const isInTime = true;',
  },
  {
    name: 'a call is handed out with less time left than a run needs',
    file: 'gateway/parking.ts',
    from: 'const leastMs = this.#earlyRefusal ? neededMs : 0;',
    to: 'const leastMs = 0;',
    by: 'test/gateway/parking.test.ts',
  },
  {
    name: 'a gateway places again what has expired',
    file: 'gateway/dispatch.ts',
    from: 'if (leg.deadlineAt <= clock.now()) return;',
    to: '',
    // Only in the few milliseconds between a deadline and the sweep.
    by: 'test/gateway/dispatch-endings.test.ts',
  },
  {
    name: 'a call that ends stays parked',
    file: 'gateway/endings.ts',
    from: "if (leg.state === 'parked') this.#options.handout.unpark(",
    to: "if (leg.state === 'parked' && reason === 'expired') this.#options.handout.unpark(",
  },
  {
    name: 'what is parked is forgotten when its caller leaves, and handed out',
    file: 'gateway/endings.ts',
    from: 'call.isAbandoned = true;\n    call.settle(',
    to: 'call.settle(',
  },
  {
    name: 'a second demand is taken for the first',
    file: 'workers/pulls.ts',
    from: 'if (pull.isDirect || pull.demands !== this.#demands) return this.#pullAny();',
    to: 'if (pull.isDirect) return this.#pullAny();',
    // The next demand mends it within 50 ms: what it costs shows in this test only.
    by: 'test/workers/pulls.test.ts',
  },
  {
    name: 'demand is told rarely although a slot is believed free',
    file: 'gateway/handout.ts',
    from: 'const isKnown = free === 0 && now',
    to: 'const isKnown = now',
    by: 'test/gateway/dispatch-endings.test.ts',
  },
  {
    name: 'demand is told once',
    file: 'gateway/handout.ts',
    from: 'lot.cancelDemand = clock.after(DEMAND_EVERY_MS, () => this.#demand(lot));',
    to: 'lot.cancelDemand = undefined;',
  },
  {
    name: 'a pull without answer keeps its slot',
    file: 'workers/pulls.ts',
    from: '  #giveUp(pull: Pull): void {\n    this.#release(pull);',
    to: '  #giveUp(pull: Pull): void {',
  },
  {
    name: 'a call is answered busy and run',
    file: 'workers/intake.ts',
    from: "      this.#signal(arrival, 'busy');\n    }\n  }\n\n  #log(",
    to: "      this.#signal(arrival, 'busy');\n      this.#start(arrival);\n    }\n  }\n\n  #log(",
  },
  {
    name: 'started does not count calls under way',
    file: 'gateway/pending.ts',
    from: "if (leg.state === 'sent' || leg.error?.started === 'unknown') started = 'unknown';",
    to: "if (leg.error?.started === 'unknown') started = 'unknown';",
  },
  {
    name: 'the refusal of one group speaks for all',
    file: 'gateway/endings.ts',
    from: 'isRefusal && leg.call.mayRunBesides(leg)',
    to: 'false',
  },
  {
    name: 'expired at one of several unknown groups is expired for all',
    file: 'gateway/dispatch.ts',
    from: "const started = isCertain ? 'no' : 'unknown';",
    to: "const started = 'no' as const;",
    // Only in the few milliseconds between a deadline and the sweep.
    by: 'test/gateway/dispatch.test.ts',
  },
  {
    name: 'a group is owed a call once more after it refused it',
    file: 'gateway/dispatch.ts',
    from: 'if (call.isAbandoned || call.legs.some((leg) => leg.group === group)) return;',
    to: 'if (call.isAbandoned) return;\n    this.#broadcast(new Leg(call, undefined));',
  },
  {
    name: 'the seat of an answered call stays taken',
    file: 'gateway/endings.ts',
    from: 'if (leg.seat !== undefined) belief.release(leg.seat, leg);',
    to: '',
  },
  {
    name: 'reply subjects stay open',
    file: 'gateway/endings.ts',
    from: 'if (leg.reply !== undefined) inbox.close(leg.reply);',
    to: '',
  },
  {
    name: 'a plain call on the way to a worker that leaves is not waited for',
    file: 'workers/worker.ts',
    from: 'await Promise.all(served.map(({ intake }) => intake.drain()));',
    to: '',
    by: 'test/workers/worker.test.ts',
  },
  {
    name: 'a cancelled call in the buffer is run',
    file: 'workers/intake.ts',
    from: "      this.counts.cancelled++;\n      this.#signal(arrival, 'busy');",
    to: '      this.counts.cancelled++;\n      this.#start(arrival);',
    by: 'test/workers/worker.test.ts',
  },
];

const root = resolve(import.meta.dirname, '../..');
const chosen = process.argv.slice(2);
checkList();
const copy = mkdtempSync(join(tmpdir(), 'mutations-'));
const missed = [];
try {
  for (const folder of ['protocol', 'lib', 'gateway', 'workers', 'test']) {
    cpSync(join(root, folder), join(copy, folder), { recursive: true });
  }
  for (const file of ['package.json', 'tsconfig.json']) cpSync(join(root, file), join(copy, file));
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  if (chosen.length === 0) report('the sources as they are', runModel(), true);
  for (const mutation of mutations) {
    const isChosen = chosen.length === 0 || chosen.some((part) => mutation.name.includes(part));
    if (isChosen) report(mutation.name, withMutation(mutation), false);
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
if (missed.length > 0) {
  console.error(`\nnot as it must be: ${missed.join('; ')}`);
  process.exitCode = 1;
}

/** Before anything runs: a list that does not fit the sources proves nothing. */
function checkList() {
  for (const { name, file, from } of mutations) {
    const found = readFileSync(join(root, file), 'utf8').split(from).length - 1;
    if (found !== 1) throw new Error(`"${name}": its text must be in ${file} once, was found ${found} times`);
  }
}

function withMutation({ file, from, to, by }) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
  try {
    return by === undefined ? runModel() : runTest(by);
  } finally {
    writeFileSync(path, source);
  }
}

/** What the model says; undefined when all held. */
function runModel() {
  const run = spawnSync(
    process.execPath,
    ['--import', 'tsx', 'test/model/main.ts', '--runs', String(RUNS), '--seed', String(SEED), '--no-shrink'],
    { cwd: copy, encoding: 'utf8', timeout: 120_000 },
  );
  if (run.status === 0 && run.stdout.includes('all held')) return undefined;
  const found = run.stderr.match(/^at \d.*$/m)?.[0];
  if (found === undefined) throw new Error(`the model did not run: ${run.stdout}${run.stderr}`);
  const after = run.stderr.match(/failed after (\d+) tests/)?.[1];
  return `after ${after}: ${found.replace(/^at [\d.]+: /, '')}`;
}

/** The first sentence that does not hold; undefined when all do. */
function runTest(file) {
  const run = spawnSync(process.execPath, ['--import', 'tsx', '--test', '--test-reporter=tap', file], {
    cwd: copy,
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (run.status === 0) return undefined;
  const failed = run.stdout.match(/^ *not ok \d+ - (.*)$/m)?.[1];
  if (failed === undefined) throw new Error(`${file} did not run: ${run.stdout}${run.stderr}`);
  return `${file}: ${failed}`;
}

function report(name, found, mustHold) {
  const isRight = (found === undefined) === mustHold;
  if (!isRight) missed.push(name);
  console.log(`${isRight ? 'ok    ' : 'MISSED'} ${name.padEnd(68)} ${found ?? 'all held'}`);
}
