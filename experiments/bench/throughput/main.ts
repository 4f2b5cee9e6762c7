// Measures what a call costs: the product beside its peers and beside the least that a gateway can do.
import { originOf, runBenchProgram, writeFiles } from '../../harness/bench-program.ts';
import { goalsTable } from '../../harness/goals.ts';
import { type BenchResult, runBench } from './bench.ts';
import { type Extras, measureExtras } from './extras/extras.ts';
import { judge } from './goals.ts';
import { readThroughputOptions, usage } from './options.ts';
import { processorChart } from './report/chart.ts';
import { reportMarkdown } from './report/markdown.ts';

runBenchProgram(async (args) => {
  const options = readThroughputOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const begun = originOf('bench:throughput', args);
  const report = ({ records, versions }: BenchResult, extras?: Extras) => {
    const goals = judge(records);
    const origin = { ...begun, versions: { node: process.versions.node, ...versions } };
    const { runs } = records;
    const memory = Object.fromEntries(records.memory);
    const missing = Object.fromEntries(records.missing);
    const cell = { connections: options.connections.includes(64) ? 64 : (options.connections[0] ?? 1) };
    writeFiles(options.out, {
      'results.json': JSON.stringify({ origin, options, goals, runs, memory, missing, extras }, undefined, 1),
      'results.md': reportMarkdown({ origin, options, records, goals, extras }),
      'throughput.svg': processorChart(
        { ...cell, bodyBytes: options.bodies[0] ?? 256 },
        options.systems,
        records,
      ),
    });
    return goals;
  };
  const result = await runBench(options, (line, soFar) => {
    console.log(line);
    report(soFar);
  });
  const goals = report(result, options.extras ? await measureExtras() : undefined);
  console.log(goalsTable(goals));
  console.log(`wrote results.json, results.md and a chart to ${options.out}`);
  const { records } = result;
  const isMeasured = (name: string) =>
    records.missing.has(name) ||
    records.runs.some(({ system, figures }) => system === name && figures.calls > 0);
  return Object.keys(options.systems).every(isMeasured) ? 0 : 1;
});
