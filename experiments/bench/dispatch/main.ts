// Measures how well calls find slots: the product against its alternatives, on the same traces.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commit, describeMachine } from '../../harness/machine.ts';
import { type BenchResult, endAll, runBench } from './bench.ts';
import { checkRecords, fullThresholds, quickThresholds } from './checks.ts';
import { type BenchOptions, readBenchOptions, UsageError, usage } from './options.ts';
import { goodputChart, loadChart } from './report/charts.ts';
import { checksTable, reportMarkdown } from './report/markdown.ts';

async function main(): Promise<number> {
  const options = readBenchOptions(process.argv.slice(2));
  if (options === undefined) {
    console.log(usage);
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void endAll().finally(() => process.exit(130)));
  }
  const command = ['npm run bench:dispatch --', ...process.argv.slice(2)].join(' ');
  const date = new Date().toISOString().slice(0, 10);
  const thisMachine = { ...describeMachine(), commit: commit(), date };
  const report = ({ records, versions }: BenchResult) => {
    const checks = checkRecords(options.workloads, records, options.quick ? quickThresholds : fullThresholds);
    const machine = { ...thisMachine, versions: { node: process.versions.node, ...versions } };
    writeReports(options, {
      'results.json': JSON.stringify({ command, machine, options, checks, ...records }, undefined, 1),
      'results.md': reportMarkdown({ command, machine, options, records, checks }),
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
  console.log(checksTable(checks));
  const missed = checks.some(({ passed }) => !passed);
  const unmeasured = options.quick && (checks.length === 0 || records.of('W1', 'ours').length === 0);
  return unmeasured || (options.quick && missed) ? 1 : 0;
}

function writeReports(options: BenchOptions, files: Readonly<Record<string, string | undefined>>): void {
  mkdirSync(options.out, { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    if (text === undefined) continue;
    writeFileSync(join(options.out, name), `${text.trimEnd()}\n`);
  }
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    if (error instanceof UsageError) console.error(error.message);
    else console.error(error);
    void endAll().finally(() => process.exit(error instanceof UsageError ? 2 : 1));
  },
);
