// Measures what is left of the service when far more is asked for than can be done.
import { originOf, runBenchProgram, writeFiles } from '../../harness/bench-program.ts';
import { goalsTable } from '../../harness/goals.ts';
import { type BenchResult, runBench } from './bench.ts';
import { judge } from './goals.ts';
import { readOverloadOptions, usage } from './options.ts';
import { goodputChart } from './report/chart.ts';
import { reportMarkdown } from './report/markdown.ts';

runBenchProgram(async (args) => {
  const options = readOverloadOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const begun = originOf('bench:overload', args);
  const report = ({ records, versions }: BenchResult) => {
    const goals = judge(options, records);
    const origin = { ...begun, versions: { node: process.versions.node, ...versions } };
    const { peaks, runs } = records;
    const missing = Object.fromEntries(records.missing);
    writeFiles(options.out, {
      'results.json': JSON.stringify({ origin, options, goals, peaks, runs, missing }, undefined, 1),
      'results.md': reportMarkdown({ origin, options, records, goals }),
      'overload.svg': goodputChart(options, records),
    });
    return goals;
  };
  const result = await runBench(options, (line, soFar) => {
    console.log(line);
    report(soFar);
  });
  console.log(goalsTable(report(result)));
  console.log(`wrote results.json, results.md and a chart to ${options.out}`);
  const { runs, missing } = result.records;
  const isMeasured = (name: string) =>
    missing.has(name) || runs.some(({ system, overload }) => system === name && overload.goodPerSecond > 0);
  return Object.keys(options.systems).every(isMeasured) ? 0 : 1;
});
