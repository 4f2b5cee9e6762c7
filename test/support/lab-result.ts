import {
  type AnswerCount,
  type Check,
  type LabResult,
  LOSS_PARTS,
  LOSS_PHASES,
  LOSS_SIGNALS,
  type Loss,
  type ScenarioResult,
  type Variant,
} from '../../experiments/lab/result.ts';
import { seededRandom } from './random.ts';

/** How one variant of a made-up scenario behaves. Times in milliseconds. */
interface Sketch {
  readonly name: string;
  readonly kind: Variant['kind'];
  readonly about: string;
  readonly calls: number;
  readonly gapMs: number;
  /** Time of a run, by worker. */
  readonly runMs: readonly number[];
  /** This worker dies at a moment, and what it has is lost. */
  readonly kill?: { readonly worker: number; readonly atMs: number };
  readonly facts?: Variant['facts'];
  readonly log?: readonly string[];
}

interface Fate {
  readonly worker: number | undefined;
  readonly atMs: number;
  readonly tookMs: number;
  readonly beganAt: number;
  readonly endedAt: number;
  readonly answer: Omit<AnswerCount, 'count'>;
}

const BUDGET_MS = 500;
const ANSWERS = {
  ok: { status: 200, code: 'ok' },
  saturated: { status: 503, code: 'saturated', started: 'no' },
  nobody: { status: 503, code: 'no_responders', started: 'no' },
  late: { status: 504, code: 'deadline_exceeded', started: 'unknown' },
  lost: { status: 502, code: 'worker_lost', started: 'unknown' },
} as const satisfies Record<string, Omit<AnswerCount, 'count'>>;

/**
 * A result as a run might yield it, the same for the same seed: an overload of `points` calls, a slow and a fast
 * worker in three variants, a worker that is killed in four, nobody who serves, one that broke off, and all losses.
 */
export function labResult({ seed = 1, points = 2000 }: { seed?: number; points?: number } = {}): LabResult {
  const random = seededRandom(seed);
  return {
    at: '2025-07-12T18:38:42.000Z',
    command: 'npm run lab -- --fast --out report.html',
    speedUp: 10,
    versions: { 'now-or-never': '0.1.0', node: 'v20.20.2', 'nats-server': 'v2.11.6' },
    machine: { processor: 'Example 3000 @ 2.40 GHz', cores: 2, memoryGiB: 7.8, system: 'Linux 6.1' },
    scenarios: [
      nobody(random),
      overload(random, points),
      slowAndFast(random),
      workerKilled(random),
      brokenOff(),
    ],
    losses: {
      budgetMs: 2000,
      cells: losses(random),
      checks: [
        { says: 'no call whose caller was told `started: no` was begun', ok: true, got: 'all 45 cells' },
      ],
    },
  };
}

function nobody(random: () => number): ScenarioResult {
  const log = ['client 0 pauses for 1 s: 503 no_responders', 'client 0 pauses for 1 s: 503 no_responders'];
  return {
    id: '1',
    title: 'No consumers',
    question: 'Nobody serves the function. When does a caller learn it, and what should it do then?',
    notebook:
      'A request that nobody is subscribed to fails at once. The producer logs it and sleeps for ten seconds.',
    variants: [
      variant(random, {
        name: 'default',
        kind: 'ours',
        about: 'A gateway as it comes and callers that never pause. No worker.',
        calls: 64,
        gapMs: 19,
        runMs: [],
        facts: [{ label: 'pauses', value: '0' }],
      }),
      variant(random, {
        name: 'polite',
        kind: 'ours',
        about:
          'A gateway with `--retry-after-s 1` and a caller that pauses for as long as it is told. No worker.',
        calls: 3,
        gapMs: 1040,
        runMs: [],
        facts: [{ label: 'pauses', value: '2' }],
        log,
      }),
    ],
    checks: [
      passed('every call is refused: 503 `no_responders`, `started: no`', '64 of 64'),
      passed('Retry-After is 10 by default', '10'),
    ],
  };
}

function overload(random: () => number, calls: number): ScenarioResult {
  const sketch = { calls, gapMs: 75, runMs: [220] };
  const variants = (['plain', 'ours'] as const).map((kind) =>
    variant(random, {
      ...sketch,
      name: kind,
      kind,
      about: `One worker (${kind}) of one slot, at three times what it can do.`,
    }),
  );
  return {
    id: '2',
    title: 'More calls than a worker can do',
    question: 'More calls come than my worker can do. Who gets an answer, and what does it work on?',
    notebook: 'Messages that nobody waits for any more are worked off all the same, and the queue grows.',
    variants,
    checks: [
      passed(
        'plain: the backlog grows, and more and more calls end as 504',
        '3 in the first tenth, 196 in the last',
      ),
      passed('ours: no call is executed in vain', '0 of 680'),
      {
        says: 'ours: a refusal comes early, in less than half of the budget',
        ok: false,
        got: '262 ms in the middle',
      },
    ],
  };
}

function slowAndFast(random: () => number): ScenarioResult {
  const sketch = { calls: 100, gapMs: 75, runMs: [220, 50] };
  const dropped = (value: string) => [{ label: 'times a worker left the group', value }];
  return {
    id: '8',
    title: 'Leaving the group at high water',
    question: 'Does it help when a worker with a long buffer stops taking calls until it has worked it off?',
    notebook:
      'An idea: when the buffer is worth four seconds the consumer leaves, and comes back when it is empty.',
    variants: [
      variant(random, {
        ...sketch,
        name: 'plain',
        kind: 'plain',
        about: 'Two plain consumers.',
        facts: dropped('0'),
      }),
      variant(random, {
        ...sketch,
        runMs: [180, 50],
        name: 'high-water',
        kind: 'plain',
        about: 'Two plain consumers; each leaves the group when its buffer is worth four seconds.',
        facts: dropped('7'),
      }),
      variant(random, {
        ...sketch,
        name: 'ours',
        kind: 'ours',
        about: 'Two workers of ours, one slot each.',
        facts: dropped('–'),
      }),
    ],
    checks: [passed('ours: at least 99 % are answered in time', '100.0 %')],
  };
}

function workerKilled(random: () => number): ScenarioResult {
  const kill = { worker: 0, atMs: 2100 };
  const variants = (['plain', 'ours'] as const).flatMap((kind) =>
    ['SIGTERM', 'SIGKILL'].map((signal) => {
      const made = variant(random, {
        name: `${kind}, ${signal}`,
        kind,
        about: `Three ${kind === 'ours' ? 'workers of ours' : 'plain consumers'}; one of them gets ${signal}.`,
        calls: 90,
        gapMs: 62,
        runMs: [150, 150, 150],
        ...(signal === 'SIGKILL' ? { kill } : {}),
        facts: [{ label: 'under way at that moment', value: '3 ok, 1 worker_lost (started: unknown)' }],
        log: ['{"level":"info","msg":"ready"}', `{"level":"warn","msg":"ends","signal":"${signal}"}`],
      });
      return {
        ...made,
        events: [
          { atMs: kill.atMs, what: `${signal} of worker 1` },
          { atMs: 2400, what: 'worker 4 starts' },
        ],
      };
    }),
  );
  return {
    id: '12',
    title: 'A worker ends',
    question: 'I stop a worker, or it is killed, under load. Which calls are lost, and who is told?',
    notebook: 'What the consumer had taken is lost with it, its buffer included.',
    variants,
    checks: [
      passed(
        'ours, SIGKILL: at most what was running is lost, told as `worker_lost`',
        '1 lost, 1 was running',
      ),
    ],
  };
}

function brokenOff(): ScenarioResult {
  return {
    id: '11',
    title: 'The broker is killed',
    question:
      'The broker dies under load and comes back. Who is told what, when, and must I restart anything?',
    notebook: 'Calls that await an answer when the broker stops are lost.',
    variants: [],
    checks: [],
    error: 'nats-server did not start again on port 34567 within 5000 ms',
  };
}

/** Plays a sketch: plain workers take turns and buffer without end, ours take what they can do in time. */
function variant(random: () => number, sketch: Sketch): Variant {
  const { name, kind, about, runMs, kill, facts = [], log = [] } = sketch;
  const fates = play(random, sketch);
  const tookMs = Math.max(...fates.map((fate) => fate.atMs + fate.tookMs));
  const times = fates.map((fate) => fate.tookMs).sort((one, other) => one - other);
  const at = (share: number) => times[Math.ceil(share * times.length) - 1] ?? 0;
  return {
    name,
    kind,
    about,
    tookMs,
    budgetMs: BUDGET_MS,
    offered: fates.length,
    inTime: fates.filter(({ answer }) => answer.code === 'ok').length,
    latencyMs: { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) },
    outcomes: Object.values(ANSWERS).flatMap((answer) => {
      const count = fates.filter((fate) => fate.answer === answer).length;
      return count === 0 ? [] : [{ ...answer, count }];
    }),
    workers: runMs.map((_, worker) => figuresOf(fates, worker)),
    facts: [...facts],
    samples: Array.from({ length: 121 }, (_, index) => sampleAt(fates, (tookMs * index) / 120)),
    calls: fates.map(({ atMs, tookMs: ms, answer }) => ({ atMs, tookMs: ms, code: answer.code })),
    events: kill === undefined ? [] : [{ atMs: kill.atMs, what: `SIGKILL of worker ${kill.worker + 1}` }],
    log: [...log],
  };
}

function play(random: () => number, { kind, calls, gapMs, runMs, kill }: Sketch): Fate[] {
  const freeAt = runMs.map(() => 0);
  let now = 0;
  return Array.from({ length: calls }, (_, n): Fate => {
    now += 2 * gapMs * random();
    const soonest = freeAt.indexOf(Math.min(...freeAt));
    const worker = kind === 'plain' ? n % Math.max(1, runMs.length) : soonest;
    const isRefused = kind === 'ours' && Math.max(0, (freeAt[worker] ?? 0) - now) > BUDGET_MS / 2;
    if (runMs.length === 0 || isRefused) {
      const answer = isRefused ? ANSWERS.saturated : ANSWERS.nobody;
      const tookMs = isRefused ? 2 + 250 * random() : 1 + 3 * random();
      return { worker: undefined, atMs: now, tookMs, beganAt: now, endedAt: now, answer };
    }
    const beganAt = Math.max(now + 1, freeAt[worker] ?? 0);
    const endedAt = beganAt + (runMs[worker] ?? 0) * (0.9 + 0.2 * random());
    freeAt[worker] = endedAt;
    const isKilled = kill?.worker === worker && endedAt > kill.atMs;
    const isLate = endedAt - now > BUDGET_MS;
    const answer = isKilled
      ? kind === 'ours'
        ? ANSWERS.lost
        : ANSWERS.late
      : isLate
        ? ANSWERS.late
        : ANSWERS.ok;
    if (isKilled) freeAt[worker] = Number.POSITIVE_INFINITY;
    const tookMs = answer === ANSWERS.late ? BUDGET_MS + 12 * random() : endedAt - now + 2;
    const brokenAt = isKilled ? Math.max(beganAt, kill.atMs) : endedAt;
    return { worker, atMs: now, tookMs, beganAt, endedAt: brokenAt, answer };
  }).filter(({ beganAt }) => Number.isFinite(beganAt));
}

function figuresOf(fates: readonly Fate[], worker: number): Variant['workers'][number] {
  const own = fates.filter((fate) => fate.worker === worker);
  const wasted = own.filter(({ answer }) => answer.code !== 'ok');
  const total = (some: readonly Fate[]) =>
    some.reduce((sum, { beganAt, endedAt }) => sum + endedAt - beganAt, 0);
  return {
    name: `worker ${worker + 1}`,
    received: own.length,
    answered: own.length - wasted.length,
    wasted: wasted.length,
    workMs: total(own),
    wastedMs: total(wasted),
  };
}

function sampleAt(fates: readonly Fate[], atMs: number): Variant['samples'][number] {
  const count = (isMeant: (fate: Fate) => boolean) => fates.filter(isMeant).length;
  return {
    atMs,
    waiting: count((fate) => fate.atMs <= atMs && atMs < fate.atMs + fate.tookMs),
    buffered: count((fate) => fate.worker !== undefined && fate.atMs <= atMs && atMs < fate.beganAt),
    running: count((fate) => fate.beganAt <= atMs && atMs < fate.endedAt),
  };
}

function losses(random: () => number): Loss[] {
  return LOSS_PARTS.flatMap((part) =>
    LOSS_SIGNALS.flatMap((signal) =>
      LOSS_PHASES.map((phase, index): Loss => {
        const tookShare = Math.round(100 * random()) / 100;
        if (part === 'gateway' && signal === 'SIGKILL')
          return {
            part,
            signal,
            phase,
            status: 0,
            code: 'ECONNRESET',
            tookShare,
            work: index < 3 ? 'never began' : 'ended',
          };
        if (signal === 'SIGTERM' && part !== 'broker')
          return { part, signal, phase, status: 200, code: 'ok', tookShare, work: 'ended' };
        if (index < 2) return { part, signal, phase, ...ANSWERS.nobody, tookShare, work: 'never began' };
        return { part, signal, phase, ...ANSWERS.late, tookShare: 1, work: index === 3 ? 'began' : 'ended' };
      }),
    ),
  );
}

function passed(says: string, got: string): Check {
  return { says, ok: true, got };
}
