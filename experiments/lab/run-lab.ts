import type { Environment } from '../../cli/command.ts';
import { Turns } from '../harness/turns.ts';
import { collect, type Play, type PlaySpec } from './play.ts';
import type { ScenarioResult } from './result.ts';
import { NOTEBOOK_BUDGET_MS, type Scenario, type ScenarioContext } from './scenario.ts';
import { Scene } from './scene.ts';
import { Stage } from './stage.ts';

/** What to run, and how. */
export interface LabOptions {
  readonly scenarios: readonly Scenario[];
  /** Every time is the notebook's divided by this. */
  readonly speedUp: number;
  /** Its abort ends everything that was started. */
  readonly signal: AbortSignal;
  /** Where programs are found: PATH, HOME and NATS_SERVER_BIN of it are used. */
  readonly env: Environment;
  /** What is being done, and about how long all takes from here. */
  readonly onProgress: (progress: LabProgress) => void;
}

/** Where a run of the lab stands. */
interface LabProgress {
  readonly scenario: Pick<Scenario, 'id' | 'title'>;
  /** Variants that are being played. */
  readonly variants: readonly string[];
  /** About how long the rest takes. */
  readonly leftMs: number;
}

/** Starting the processes of a stage, and ending them. */
const SET_UP_MS = 4000;
/** A handler has a quarter of a second to end when nobody waits any more; logs are read a moment later. */
const AFTERMATH_MS = 350;
/** When this process could not run for such a share of the budget, neither could what it plays. */
const MAX_STALL_SHARE = 0.2;
const ATTEMPTS = 3;

/** Runs scenarios one after the other. What breaks in one of them is in its result; only an abort ends all. */
export async function runLab(options: LabOptions): Promise<ScenarioResult[]> {
  const { scenarios, signal } = options;
  const plays = new Map<string, Promise<Play>>();
  const results: ScenarioResult[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    signal.throwIfAborted();
    const after = estimateMs(scenarios.slice(index + 1), options.speedUp);
    results.push(await runScenario(scenario, after, plays, options));
  }
  return results;
}

/** About how long scenarios take. */
export function estimateMs(scenarios: readonly Scenario[], speedUp: number): number {
  const each = scenarios.map(({ variantMs }) => {
    const times = variantMs.map((ms) => ms / speedUp + SET_UP_MS);
    return speedUp === 1 ? Math.max(...times) : times.reduce((sum, ms) => sum + ms, 0);
  });
  return each.reduce((sum, ms) => sum + ms, 0);
}

async function runScenario(
  scenario: Scenario,
  afterMs: number,
  plays: Map<string, Promise<Play>>,
  options: LabOptions,
): Promise<ScenarioResult> {
  const { id, title, question, notebook, comparesShares = true } = scenario;
  const about = { id, title, question, notebook, comparesShares };
  const { speedUp, signal, onProgress } = options;
  const turns = new Turns(speedUp === 1 ? Number.POSITIVE_INFINITY : 1);
  const playing = new Set<string>();
  const startedAt = performance.now();
  const tell = () => {
    const ownMs = estimateMs([scenario], speedUp) - (performance.now() - startedAt);
    onProgress({ scenario: { id, title }, variants: [...playing], leftMs: Math.max(0, ownMs) + afterMs });
  };
  const context: ScenarioContext = {
    speedUp,
    play: (spec, act) =>
      turns.take(async () => {
        playing.add(spec.name);
        tell();
        try {
          return await playUndisturbed(spec, act, options);
        } finally {
          playing.delete(spec.name);
        }
      }),
    playOnce(key, spec, act) {
      const known = plays.get(key) ?? context.play(spec, act);
      plays.set(key, known);
      return known;
    },
  };
  tell();
  try {
    return { ...about, ...(await scenario.run(context)) };
  } catch (error) {
    signal.throwIfAborted();
    return {
      ...about,
      variants: [],
      checks: [],
      error: error instanceof Error ? error.message : String(error),
    };
  }
}

/** A run during which the machine stood still says nothing: the variant is played again, twice at most. */
async function playUndisturbed(
  spec: PlaySpec,
  act: (scene: Scene) => Promise<void>,
  options: LabOptions,
): Promise<Play> {
  for (let attempt = 1; ; attempt++) {
    const play = await playVariant(spec, act, options);
    if (play.stalls.longestMs <= MAX_STALL_SHARE * play.budgetMs || attempt === ATTEMPTS) return play;
  }
}

async function playVariant(
  spec: PlaySpec,
  act: (scene: Scene) => Promise<void>,
  { speedUp, signal, env }: LabOptions,
): Promise<Play> {
  const { budgetMs = NOTEBOOK_BUDGET_MS / speedUp, body } = spec;
  // A signal of its own: what listens to it goes with the variant.
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  signal.addEventListener('abort', abort);
  try {
    const stage = await Stage.start({ budgetMs, signal: own.signal, env });
    try {
      const common = { stage, speedUp, budgetMs, signal: own.signal };
      const scene = new Scene({ ...common, ...(body === undefined ? {} : { body }) });
      scene.stalls.start();
      try {
        await act(scene);
      } finally {
        scene.stalls.stop();
      }
      await scene.pauseReally(AFTERMATH_MS);
      return await collect(spec, scene);
    } finally {
      await stage.end();
    }
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
