import { parseArgs } from 'node:util';
import { asUsage, chosenSystems, positive, positives, readBuilds } from '../../harness/command-line.ts';
import { build, type System, systems } from './systems/all.ts';

/** What to measure. */
export interface ThroughputOptions {
  readonly quick: boolean;
  /** By name, in the order of the report. */
  readonly systems: Readonly<Record<string, System>>;
  readonly connections: readonly number[];
  readonly bodies: readonly number[];
  readonly rounds: number;
  /** Measured, of each run. */
  readonly seconds: number;
  /** Of load that is not counted, before each run. */
  readonly settleSeconds: number;
  /** That are not counted, before a system's first run. */
  readonly warmUpCalls: number;
  /** Whether memory per call and start-up times are measured too. */
  readonly extras: boolean;
  readonly out: string;
}

export const usage = `Usage: npm run bench:throughput -- [options]

Calls the product, its peers and the floor below all of them in a closed loop, and writes results.json, results.md and a
chart: processor time of each process per call, calls a second, latency, memory. All systems run at once and one of them
is called at a time; runs are interleaved in an order that rotates.

  --systems <names>      comma-separated (default: all)
                         ${Object.keys(systems).join(' ')}
  --builds <name=dist>   comma-separated: other builds of the product, each measured as a system of its name
  --connections <ns>     comma-separated: calls in flight (default: 1,64,256)
  --bodies <ns>          comma-separated: bytes of the JSON that is posted (default: 256,16384,262144)
  --rounds <n>           runs of each system in each cell (default: 5)
  --seconds <n>          measured, of each run (default: 3)
  --no-extras            no memory per call and no start-up times
  --out <folder>         default: bench/results/throughput
  --quick                64 connections, 256 bytes, floor, hono-floor and ours, some seconds; asserts only that it runs
  --help

Programs that are not installed (nginx, haproxy) and peers that npm cannot install are left out, and it says so.
`;

const FULL = { connections: '1,64,256', bodies: '256,16384,262144', rounds: '5', seconds: '3' };
const QUICK = { connections: '64', bodies: '256', rounds: '1', seconds: '1' };
const QUICK_SYSTEMS = 'floor,hono-floor,ours';

/** Reads the command line; undefined when help is asked for. Throws a `UsageError`. */
export function readThroughputOptions(args: readonly string[]): ThroughputOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ quick: flag, help: flag, 'no-extras': flag, systems: text, builds: text },
    ...{ connections: text, bodies: text, rounds: text, seconds: text, out: text },
  };
  return asUsage(() => {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return undefined;
    const { quick = false } = values;
    const given = { ...(quick ? QUICK : FULL), ...values };
    return {
      quick,
      systems: {
        ...readSystems(values.systems ?? (quick ? QUICK_SYSTEMS : undefined)),
        ...readBuilds(values.builds, Object.keys(systems), build),
      },
      connections: positives('--connections', given.connections),
      bodies: positives('--bodies', given.bodies),
      rounds: positive('--rounds', given.rounds),
      seconds: positive('--seconds', given.seconds),
      settleSeconds: 0.5,
      warmUpCalls: quick ? 1000 : 20_000,
      extras: !quick && values['no-extras'] !== true,
      out: values.out ?? 'bench/results/throughput',
    };
  });
}

function readSystems(names: string | undefined): Record<string, System> {
  if (names === undefined) return systems;
  const chosen = chosenSystems(names, Object.keys(systems));
  return Object.fromEntries(Object.entries(systems).filter(([name]) => chosen.includes(name)));
}
