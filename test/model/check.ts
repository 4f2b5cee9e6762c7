import fc from 'fast-check';
import { scenarios } from './scenario.ts';
import { play } from './world.ts';

/** Runs the model; throws with the seed and the smallest scenario that was found to break it. */
export async function checkModel(options: { runs: number; seed: number; shrink?: boolean }): Promise<void> {
  const { runs, seed, shrink = true } = options;
  const property = fc.asyncProperty(scenarios, async (scenario) => {
    const violations = await play(scenario);
    if (violations.length > 0) throw new Error(violations.slice(0, 5).join('\n'));
  });
  await fc.assert(property, { numRuns: runs, seed, endOnFailure: !shrink });
}
