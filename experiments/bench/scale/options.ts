import { parseArgs } from 'node:util';
import { asUsage, positive } from '../../harness/command-line.ts';
import type { RunOptions } from './run.ts';
import { type Dimension, dimensions } from './shapes.ts';

/** What to measure. */
export interface ScaleOptions {
  readonly quick: boolean;
  readonly dimensions: Readonly<Record<string, Dimension>>;
  readonly rounds: number;
  readonly run: RunOptions;
  readonly out: string;
}

const names = Object.keys(dimensions);

export const usage = `Usage: npm run bench:scale -- [options]

Measures how the processor time of a gateway for each call grows with the size of the system, one dimension at a time,
and what it takes while nobody calls. Workers are simulated: one process that speaks the wire. Writes results.json,
results.md and a chart.

  --dimensions <names>   comma-separated (default: ${names.join(',')})
  --levels <ns>          comma-separated: instead of those of the dimension; needs one dimension alone
  --rounds <n>           runs of each level (default: 3)
  --seconds <n>          measured, of each run (default: 4)
  --connections <n>      calls in flight (default: 64)
  --state-ms <ms>        how often each simulated worker tells its state (default: 500)
  --out <folder>         default: bench/results/scale
  --quick                10 and 100 workers, one round, some seconds; asserts only that it runs
  --help
`;

/** Reads the command line; undefined when help is asked for. Throws a `UsageError`. */
export function readScaleOptions(args: readonly string[]): ScaleOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ quick: flag, help: flag, dimensions: text, levels: text, rounds: text, seconds: text },
    ...{ connections: text, 'state-ms': text, out: text },
  };
  return asUsage(() => {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return undefined;
    const { quick = false } = values;
    return {
      quick,
      dimensions: quick
        ? readDimensions('workers', '10,100')
        : readDimensions(values.dimensions ?? names.join(','), values.levels),
      rounds: positive('--rounds', values.rounds ?? (quick ? '1' : '3')),
      run: {
        stateMs: positive('--state-ms', values['state-ms'] ?? '500'),
        connections: positive('--connections', values.connections ?? '64'),
        warmUpCalls: quick ? 500 : 20_000,
        settle: quick ? 0.5 : 1.5,
        idle: quick ? 1 : 4,
        seconds: positive('--seconds', values.seconds ?? (quick ? '1' : '4')),
      },
      out: values.out ?? 'bench/results/scale',
    };
  });
}

function readDimensions(list: string, levels: string | undefined): Record<string, Dimension> {
  const asked = list.split(',');
  if (levels !== undefined && asked.length !== 1) throw new Error('--levels needs one dimension alone');
  const chosen = asked.map((name) => {
    const dimension = Object.hasOwn(dimensions, name) ? dimensions[name] : undefined;
    if (dimension === undefined) {
      throw new Error(`no dimension is called ${name}; there are ${names.join(' ')}`);
    }
    return [name, levels === undefined ? dimension : { ...dimension, levels: readLevels(levels) }] as const;
  });
  return Object.fromEntries(chosen);
}

function readLevels(levels: string): number[] {
  return levels.split(',').map((level) => (level === '0' ? 0 : positive('--levels', level)));
}
