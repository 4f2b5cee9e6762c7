import { parseArgs } from 'node:util';
import { asUsage, chosenSystems, positive, positives, readBuilds } from '../../harness/command-line.ts';
import { ours, type SystemStarter, systems } from './systems.ts';

/** What to measure. */
export interface OverloadOptions {
  readonly quick: boolean;
  readonly systems: Readonly<Record<string, SystemStarter>>;
  /** How long handlers sleep, in milliseconds. */
  readonly handlers: readonly number[];
  /** Offered calls / peak. */
  readonly times: readonly number[];
  readonly slots: number;
  readonly deadlineMs: number;
  /** Of each overload. */
  readonly seconds: number;
  /** Of half the peak, after each overload. */
  readonly afterSeconds: number;
  /** Of each search for the peak. */
  readonly peakSeconds: number;
  /** That are not counted, before a system's first run. */
  readonly warmUpCalls: number;
  /** Processes that call. */
  readonly generators: number;
  readonly out: string;
}

export const usage = `Usage: npm run bench:overload -- [options]

Finds the most calls a second that the product answers in time (the peak, in a closed loop), offers multiples of it in an
open loop, then half of it, and writes results.json, results.md and a chart: goodput, how soon a refusal comes, memory,
and how long it takes until service is normal again. nginx (limit_conn) and HAProxy (maxconn, queue timeout) stand before
the same handler over HTTP and get the same calls.

  --handlers <ms,ms>     how long handlers sleep (default: 0,5,20)
  --times <ns>           offered calls / peak (default: 1,2,5,10)
  --slots <n>            of the one worker process (default: 8)
  --deadline <ms>        of every call (default: 500)
  --seconds <n>          of each overload (default: 30)
  --generators <n>       processes that call (default: 2)
  --systems <names>      comma-separated (default: ${Object.keys(systems).join(',')}); the first one's peak is what is multiplied
  --builds <name=dist>   comma-separated: other builds of the product, each measured as a system of its name
  --out <folder>         default: bench/results/overload
  --quick                5 ms, 2 times the peak, ours, some seconds; asserts only that it runs
  --help
`;

const FULL = { handlers: '0,5,20', times: '1,2,5,10', seconds: '30', systems: undefined };
const QUICK = { handlers: '5', times: '2', seconds: '3', systems: 'ours' };

/** Reads the command line; undefined when help is asked for. Throws a `UsageError`. */
export function readOverloadOptions(args: readonly string[]): OverloadOptions | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const options = {
    ...{ quick: flag, help: flag, handlers: text, times: text, slots: text, deadline: text },
    ...{ seconds: text, generators: text, systems: text, builds: text, out: text },
  };
  return asUsage(() => {
    const { values } = parseArgs({ args: [...args], options });
    if (values.help) return undefined;
    const { quick = false } = values;
    const given = { ...(quick ? QUICK : FULL), ...values };
    const names = given.systems ?? Object.keys(systems).join(',');
    const chosen = chosenSystems(names, Object.keys(systems));
    return {
      quick,
      systems: {
        ...Object.fromEntries(Object.entries(systems).filter(([name]) => chosen.includes(name))),
        ...readBuilds(values.builds, Object.keys(systems), ours),
      },
      handlers: given.handlers.split(',').map((ms) => (ms === '0' ? 0 : positive('--handlers', ms))),
      times: positives('--times', given.times),
      slots: positive('--slots', values.slots ?? '8'),
      deadlineMs: positive('--deadline', values.deadline ?? '500'),
      seconds: positive('--seconds', given.seconds),
      afterSeconds: quick ? 2 : 8,
      peakSeconds: quick ? 1 : 4,
      warmUpCalls: quick ? 300 : 10_000,
      generators: positive('--generators', values.generators ?? '2'),
      out: values.out ?? 'bench/results/overload',
    };
  });
}
