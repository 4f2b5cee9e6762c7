import { withProcesses } from '../../harness/bench-program.ts';
import { sum } from '../../harness/statistics.ts';
import type { ScaleOptions } from './options.ts';
import { Records, type RunRecord } from './records.ts';
import { runShape } from './run.ts';

/**
 * Runs the levels of each dimension one after the other, round by round, each round beginning with the next. A run that
 * fails is lost, not fatal. `progress` is told of each run and of what there is so far.
 */
export async function runBench(
  { dimensions, rounds, run: options }: ScaleOptions,
  progress: (line: string, soFar: Records) => void,
): Promise<Records> {
  const records = new Records();
  for (const [dimension, { levels, shape }] of Object.entries(dimensions)) {
    for (let round = 0; round < rounds; round++) {
      const from = round % levels.length;
      for (const level of [...levels.slice(from), ...levels.slice(0, from)]) {
        const where = `${dimension} ${level}, round ${round + 1}`;
        try {
          const figures = await withProcesses((processes) => runShape(shape(level), options, processes));
          const run = { dimension, level, round, ...figures };
          records.runs.push(run);
          progress(`${where}: ${lineOf(run)}`, records);
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error);
          records.lost.push({ dimension, level, reason });
          progress(`${where}: lost, ${reason}`, records);
        }
      }
    }
  }
  return records;
}

function lineOf({ gatewayUs, brokerUs, idleShare, messagesPerCall, figures }: RunRecord): string {
  const { calls, seconds, errors } = figures;
  const failed = sum(Object.values(errors));
  return (
    `gateway ${gatewayUs.toFixed(0)} µs per call, broker ${brokerUs.toFixed(0)}; idle gateway ` +
    `${(100 * idleShare).toFixed(1)} % of a core; ${messagesPerCall.toFixed(2)} messages per call, ` +
    `${(calls / seconds).toFixed(0)} calls/s${failed === 0 ? '' : `; ERRORS ${JSON.stringify(errors)}`}`
  );
}
