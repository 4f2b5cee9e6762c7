import type { Play, PlaySpec } from './play.ts';
import type { Check, ScenarioResult, Variant } from './result.ts';
import type { Scene } from './scene.ts';

/** What a scenario is given. */
export interface ScenarioContext {
  /** Every time is the notebook's divided by this. */
  readonly speedUp: number;
  /**
   * Plays one variant on a stage of its own. Variants that are played at the same time run side by side at the
   * notebook's pace, where processes mostly sleep, and one after the other when time is divided, because then they
   * would disturb each other.
   */
  play(spec: PlaySpec, act: (scene: Scene) => Promise<void>): Promise<Play>;
  /** Plays a variant that several scenarios look at: once for each key. */
  playOnce(key: string, spec: PlaySpec, act: (scene: Scene) => Promise<void>): Promise<Play>;
}

/** What a scenario found. */
interface Findings {
  readonly variants: Variant[];
  readonly checks: Check[];
}

/** An experiment of the notebook. */
export interface Scenario
  extends Pick<ScenarioResult, 'id' | 'title' | 'question' | 'notebook' | 'comparesShares'> {
  /** About how long each of its variants takes, in milliseconds of the notebook's time, without starting processes. */
  readonly variantMs: readonly number[];
  run(context: ScenarioContext): Promise<Findings>;
}

/** The budget of the notebook: five seconds, then nobody waits any more. */
export const NOTEBOOK_BUDGET_MS = 5000;

/** What the notebook's consumer takes for a call: two seconds and a bit. */
export const NOTEBOOK_RUN_MS = [2000, 2400] as const;

/** The notebook's producer: up to one and a half seconds between two calls. */
export const NOTEBOOK_GAP_MS = 1500;

/** A check. `got` is what was seen, for people. */
export function check(says: string, ok: boolean, got: string | number): Check {
  return { says, ok, got: String(got) };
}
