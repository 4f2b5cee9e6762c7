import { test } from 'node:test';
import { checkModel } from './check.ts';

// Fixed, so that a change of the code is what makes it fail. `npm run test:model` draws new ones.
const SEED = 20_300_101;
const RUNS = 250;

test('what dispatch promises holds in any order of calls, faults and time', async () => {
  await checkModel({ runs: RUNS, seed: SEED });
});
