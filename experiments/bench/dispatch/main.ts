// Measures how well calls find slots: the product against its alternatives, on the same traces.
import { originOf, runBenchProgram, writeFiles } from '../../harness/bench-program.ts';
import { goalsTable } from '../../harness/goals.ts';
import { type BenchResult, runBench } from './bench.ts';
import { checkRecords, fullThresholds, quickThresholds } from './checks.ts';
import { readBenchOptions, usage } from './options.ts';
import { goodputChart, loadChart } from './report/charts.ts';
import { reportMarkdown } from './report/markdown.ts';

runBenchProgram(async (args) => {
  const options = readBenchOptions(args);
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  const begun = originOf('bench:dispatch', args);
  const report = ({ records, versions }: BenchResult) => {
    const checks = checkRecords(options.workloads, records, options.quick ? quickThresholds : fullThresholds);
    const origin = { ...begun, versions: { node: process.versions.node, ...versions } };
    writeFiles(options.out, {
      'results.json': JSON.stringify({ origin, options, checks, ...records }, undefined, 1),
      'results.md': reportMarkdown({ origin, options, records, checks }),
      'goodput.svg': goodputChart(options.workloads, options.systems, records),
      'load.svg': loadChart(options.workloads, options.systems, records),
    });
    return checks;
  };
  const result = await runBench(options, (line, soFar) => {
    console.log(line);
    report(soFar);
  });
  const { records } = result;
  const checks = report(result);
  console.log(`wrote results.json, results.md and charts to ${options.out}`);
  console.log(goalsTable(checks));
  const missed = checks.some(({ passed }) => !passed);
  const unmeasured = options.quick && (checks.length === 0 || records.of('W1', 'ours').length === 0);
  return unmeasured || (options.quick && missed) ? 1 : 0;
});
