// npm run test:model -- --runs 20000 --seed 7: many scenarios, a new seed each time unless it is given.
import { parseArgs } from 'node:util';
import { checkModel } from './check.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5000' },
    seed: { type: 'string' },
    'no-shrink': { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
console.log(`the model of dispatch: ${runs} scenarios, seed ${seed}`);
const startedAt = performance.now();
try {
  await checkModel({ runs, seed, shrink: !values['no-shrink'] });
  console.log(`all held, ${Math.round(performance.now() - startedAt)} ms`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof Error && error.cause instanceof Error) console.error(error.cause.message);
  process.exitCode = 1;
}
