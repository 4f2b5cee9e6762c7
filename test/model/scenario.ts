import fc from 'fast-check';

/** A worker of the model: milliseconds of work are multiplied by `pace`. */
export interface WorkerPlan {
  group: 'a' | 'b';
  slots: number;
  pace: number;
  wallOffsetMs: number;
}

/** What happens next. Gateways, workers and hosts are named by any number: those that exist are counted round. */
export type Step =
  | { do: 'wait'; ms: number }
  | {
      do: 'call';
      gateway: number;
      count: number;
      workMs: number;
      budgetMs: number;
      leavesAfterMs: number | undefined;
      ends: Ending;
    }
  | { do: 'plain'; workMs: number }
  | { do: 'responder'; ms: number }
  | { do: 'join'; plan: WorkerPlan }
  | { do: 'leave'; worker: number }
  /** A gateway ends all its calls, as it does before it stops. */
  | { do: 'endAll'; gateway: number }
  | { do: 'kill'; worker: number }
  | { do: 'freeze'; worker: number; ms: number; timersFirst: boolean }
  | { do: 'cutWorker'; worker: number; ms: number }
  | { do: 'cutGateway'; gateway: number; ms: number }
  | { do: 'delay'; host: number; ms: number; forMs: number }
  /** Messages to a host take longer, then its connection breaks and they are lost. */
  | { do: 'fade'; host: number; delayMs: number; afterMs: number; ms: number };

/** `stubborn` does not react to being cancelled; `invalid` is refused by group a before it begins, run by others. */
type Ending = 'ok' | 'error' | 'stubborn' | 'invalid';

/** All that a run of the model depends on. */
export interface Scenario {
  seed: number;
  gatewayOffsetsMs: number[];
  workers: WorkerPlan[];
  steps: Step[];
}

const HOUR_MS = 3_600_000;
const index = fc.nat({ max: 5 });
const offset = fc.oneof(fc.constant(0), fc.integer({ min: -5 * HOUR_MS, max: 5 * HOUR_MS }));

const plan: fc.Arbitrary<WorkerPlan> = fc.record({
  group: fc.oneof({ weight: 4, arbitrary: fc.constant('a' as const) }, fc.constant('b' as const)),
  slots: fc.integer({ min: 1, max: 3 }),
  pace: fc.constantFrom(0.01, 0.5, 1, 3),
  wallOffsetMs: offset,
});

const call = fc.record({
  do: fc.constant('call' as const),
  gateway: index,
  count: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 12 })),
  workMs: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 400 })),
  budgetMs: fc.oneof(
    fc.integer({ min: 50, max: 300 }),
    fc.integer({ min: 50, max: 2000 }),
    fc.integer({ min: 1500, max: 2000 }),
  ),
  leavesAfterMs: fc.option(fc.integer({ min: 0, max: 600 }), { freq: 4, nil: undefined }),
  ends: fc.constantFrom<Ending>('ok', 'ok', 'ok', 'error', 'stubborn', 'invalid'),
});

/** Outlasts the discovery that its worker is gone. */
const longCall = fc.record({
  do: fc.constant('call' as const),
  gateway: index,
  count: fc.integer({ min: 1, max: 4 }),
  workMs: fc.integer({ min: 100, max: 1500 }),
  budgetMs: fc.integer({ min: 2000, max: 4000 }),
  leavesAfterMs: fc.constant(undefined),
  ends: fc.constantFrom<Ending>('ok', 'stubborn'),
});

const wait = fc.record({
  do: fc.constant('wait' as const),
  ms: fc.oneof(
    fc.integer({ min: 0, max: 30 }),
    fc.integer({ min: 0, max: 400 }),
    fc.integer({ min: 0, max: 1500 }),
  ),
});

const fault: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('plain' as const), workMs: fc.integer({ min: 0, max: 400 }) }),
  fc.record({ do: fc.constant('responder' as const), ms: fc.integer({ min: 50, max: 1000 }) }),
  fc.record({ do: fc.constant('join' as const), plan }),
  fc.record({ do: fc.constant('leave' as const), worker: index }),
  fc.record({ do: fc.constant('endAll' as const), gateway: index }),
  fc.record({ do: fc.constant('kill' as const), worker: index }),
  fc.record({
    do: fc.constant('freeze' as const),
    worker: index,
    ms: fc.oneof(fc.integer({ min: 10, max: 400 }), fc.integer({ min: 200, max: 4000 })),
    timersFirst: fc.boolean(),
  }),
  fc.record({ do: fc.constant('cutWorker' as const), worker: index, ms: fc.integer({ min: 1, max: 2500 }) }),
  fc.record({
    do: fc.constant('cutGateway' as const),
    gateway: index,
    ms: fc.integer({ min: 1, max: 1500 }),
  }),
  fc.record({
    do: fc.constant('delay' as const),
    host: fc.nat({ max: 7 }),
    ms: fc.integer({ min: 1, max: 600 }),
    forMs: fc.integer({ min: 10, max: 3000 }),
  }),
  fc.record({
    do: fc.constant('fade' as const),
    host: fc.nat({ max: 7 }),
    delayMs: fc.integer({ min: 50, max: 1000 }),
    afterMs: fc.integer({ min: 10, max: 1000 }),
    ms: fc.integer({ min: 1, max: 1000 }),
  }),
);

/** Half of the scenarios have no faults: there everything that a fault excuses must hold as well. */
export const scenarios: fc.Arbitrary<Scenario> = fc.boolean().chain((isQuiet) =>
  fc.record({
    seed: fc.nat(),
    gatewayOffsetsMs: fc.array(offset, { minLength: 1, maxLength: 2 }),
    workers: fc.array(plan, { minLength: isQuiet ? 1 : 0, maxLength: 4 }),
    steps: fc.array(
      fc.oneof(
        { weight: 5, arbitrary: call },
        { weight: 5, arbitrary: wait },
        { weight: isQuiet ? 0 : 2, arbitrary: longCall },
        { weight: isQuiet ? 0 : 4, arbitrary: fault },
      ),
      { minLength: 1, maxLength: 30 },
    ),
  }),
);
