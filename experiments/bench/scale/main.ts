// Measures how the cost of a call grows with the size of the system.

import { originOf, runBenchProgram, writeFiles } from '../../harness/bench-program.ts';
import { goalsTable } from '../../harness/goals.ts';
import { natsServerVersion } from '../../harness/machine.ts';
import { runBench } from './bench.ts';
import { judge } from './goals.ts';
import { readScaleOptions, usage } from './options.ts';
import type { Records } from './records.ts';
import { growthChart } from './report/chart.ts';
import { reportMarkdown } from './report/markdown.ts';

runBenchProgram(async (args) => {
  const options = readScaleOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const versions = { node: process.versions.node, 'nats-server': await natsServerVersion(process.env) };
  const origin = { ...originOf('bench:scale', args), versions };
  const report = (records: Records) => {
    const goals = judge(options, records);
    writeFiles(options.out, {
      'results.json': JSON.stringify({ origin, options, goals, ...records }, undefined, 1),
      'results.md': reportMarkdown({ origin, options, records, goals }),
      'scale.svg': growthChart(options, records),
    });
    return goals;
  };
  const records = await runBench(options, (line, soFar) => {
    console.log(line);
    report(soFar);
  });
  console.log(goalsTable(report(records)));
  console.log(`wrote results.json, results.md and a chart to ${options.out}`);
  const isMeasured = (name: string) =>
    records.runs.some(({ dimension, figures }) => dimension === name && figures.calls > 0);
  return records.lost.length === 0 && Object.keys(options.dimensions).every(isMeasured) ? 0 : 1;
});
