import { parseArgs } from 'node:util';
import { asUsage, chosenSystems, positive, positives } from '../../harness/command-line.ts';
import { systemNames } from './systems/all.ts';
import { selectWorkloads, type Workload, workloads } from './workloads.ts';

/** What to run. */
export interface BenchOptions {
  readonly quick: boolean;
  readonly workloads: readonly Workload[];
  readonly systems: readonly string[];
  /** Those of the systems that run a workload: unless all are asked for, alternatives run where they are compared. */
  systemsFor(workload: Workload): readonly string[];
  readonly seeds: readonly number[];
  readonly timeScale: number;
  /** Measured seconds instead of the workloads' own. */
  readonly seconds: number | undefined;
  readonly leadInMs: number;
  /** Real runs at a time. */
  readonly parallel: number;
  /** A run whose generator was later than this (99 % of the calls) is lost: it measured the machine. */
  readonly maxLatenessMs: number;
  /** A run during which others used more than this share of the machine is lost too; needs `parallel` 1. */
  readonly maxForeignShare: number;
  readonly out: string;
}

/** The ideal, and the product: what runs every workload. */
const ALWAYS = ['omniscient', 'alifo', 'fifo', 'ours'];
/** What else runs by default. */
const COMPARED: Readonly<Record<string, readonly string[]>> = {
  'W2@0.8': ['plain', 'rabbitmq', 'haproxy'],
  'W2@1.5': ['plain', 'rabbitmq', 'haproxy'],
  'W2@3': ['plain', 'rabbitmq', 'haproxy'],
};

export const usage = `Usage: npm run bench:dispatch -- [options]

Runs traces of calls against the product and its alternatives, and writes results.json, results.md and charts.

  --workloads <ids>    comma-separated, e.g. W1,W2@0.8,W7@1.5x4,short (default: all)
                       ${workloads.map(({ id }) => id).join(' ')}
  --systems <names>    comma-separated; all of them run every workload that is run. Without it now-or-never does, and
                       some alternatives run where they are compared: ${Object.keys(COMPARED).join(', ')}
                       ${systemNames.join(' ')}
  --seeds <numbers>    comma-separated (default: 1,2,3)
  --seconds <n>        measured seconds of each run (default: 30 or what 1,000 calls take; short: 10)
  --time-scale <n>     multiplies every time, the deadline too (default: 1)
  --parallel <n>       runs at a time (default: 1)
  --max-lateness <ms>  of the generator, for 99 % of the calls (default: 10, with --quick 40)
  --max-foreign <share>  of the machine used by others during a run, 0 to 1 (default: 0.15); needs --parallel 1
                       Runs that are late or disturbed are lost, and run again up to five times.
  --out <folder>       default: bench/results
  --quick              W1 and W2@1.5, alifo, plain and ours, one seed, some seconds; exits 1 below the thresholds
  --help
`;

const QUICK = {
  workloads: 'W1,W2@1.5',
  systems: 'alifo,plain,ours',
  seeds: '1',
  seconds: '7',
  parallel: '2',
};
const FULL = { workloads: undefined, systems: undefined, seeds: '1,2,3', seconds: undefined };

/** Reads the command line; undefined when help is asked for. Throws a `UsageError`. */
export function readBenchOptions(args: readonly string[]): BenchOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    quick: flag,
    help: flag,
    workloads: text,
    systems: text,
    seeds: text,
    seconds: text,
    'time-scale': text,
    parallel: text,
    'max-lateness': text,
    'max-foreign': text,
    out: text,
  };
  return asUsage(() => {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return undefined;
    const defaults = { parallel: '1', ...(values.quick ? QUICK : FULL) };
    const selectors = values.workloads ?? defaults.workloads;
    const seconds = values.seconds ?? defaults.seconds;
    return {
      quick: values.quick ?? false,
      workloads: selectors === undefined ? workloads : selectWorkloads(selectors.split(',')),
      ...readSystems(values.systems ?? defaults.systems),
      seeds: positives('--seeds', values.seeds ?? defaults.seeds),
      timeScale: positive('--time-scale', values['time-scale'] ?? '1'),
      seconds: seconds === undefined ? undefined : positive('--seconds', seconds),
      leadInMs: values.quick ? 1000 : 2000,
      parallel: positive('--parallel', values.parallel ?? defaults.parallel),
      maxLatenessMs: positive('--max-lateness', values['max-lateness'] ?? (values.quick ? '40' : '10')),
      maxForeignShare: values.quick ? 1 : positive('--max-foreign', values['max-foreign'] ?? '0.15'),
      out: values.out ?? 'bench/results',
    };
  });
}

function readSystems(names: string | undefined): Pick<BenchOptions, 'systems' | 'systemsFor'> {
  if (names === undefined) {
    const systemsFor = ({ id }: Workload) => [...ALWAYS, ...(COMPARED[id] ?? [])];
    const compared = Object.values(COMPARED).flat();
    const isUsed = (name: string) => ALWAYS.includes(name) || compared.includes(name);
    return { systems: systemNames.filter(isUsed), systemsFor };
  }
  const systems = chosenSystems(names, systemNames);
  return { systems, systemsFor: () => systems };
}
