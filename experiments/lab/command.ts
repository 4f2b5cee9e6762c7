import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import type { Environment } from '../../cli/command.ts';
import { print } from '../../cli/print.ts';
import { complain, type Program } from '../../cli/run.ts';
import { version } from '../../cli/version.ts';
import { createLogger } from '../../lib/log.ts';
import { OptionsError, type OptionValues, readOptions, text, toggle } from '../../lib/options.ts';
import { describeMachine, natsServerVersion } from '../harness/machine.ts';
import { lossesMarkdown } from './losses/markdown.ts';
import {
  type LabNames,
  type LossesOptions,
  lossCells,
  lossesEstimateMs,
  readLabNames,
  runLosses,
} from './losses/run.ts';
import { ProgressLine } from './progress-line.ts';
import { renderReport } from './report/report.ts';
import type { LabResult } from './result.ts';
import { isPassed, resultText } from './result-text.ts';
import { runLab } from './run-lab.ts';
import { SCENARIOS, selectScenarios } from './scenarios/all.ts';

/** What it is called in messages. */
export const NAME = 'lab';
/** How it is run. */
export const COMMAND = 'npm run lab --';
/** What follows. */
export const USAGE = '[number]... [losses [cell]...]';
const FAST = 10;
const END_LIMIT_MS = 15_000;

/** Settings of the lab. */
export const settings = {
  fast: toggle({
    fallback: false,
    help: 'Divide every time by ten: minutes instead of a quarter of an hour.',
  }),
  json: toggle({ fallback: false, help: 'Print the result as one JSON object, and nothing else.' }),
  out: text({
    schema: z.string(),
    placeholder: 'file.html',
    fallback: undefined,
    fallbackText: 'none',
    help: 'Write a report with tables and charts to this file.',
  }),
  markdown: text({
    schema: z.string(),
    placeholder: 'file.md',
    fallback: undefined,
    fallbackText: 'none',
    help: 'Write the loss table, with what it means, to this file.',
  }),
};

type LabSettings = OptionValues<typeof settings>;

interface RunOptions {
  readonly values: LabSettings;
  readonly names: LabNames;
  readonly env: Environment;
  readonly signal: AbortSignal;
}

/**
 * Runs the experiments of a notebook that built request/reply on core NATS and noted what broke, on real processes,
 * with plain workers and with ours. Exit code 1 when a check fails, or when it was interrupted. Throws an
 * OptionsError for settings that are not allowed; starts nothing.
 */
export function prepareLab(args: readonly string[], env: Environment): Program {
  const { values, positionals } = readOptions(settings, args, env);
  const names = readLabNames(positionals);
  checkIds(names.scenarios);
  checkLosses(names, values);
  checkFolder('--out', values.out);
  checkFolder('--markdown', values.markdown);
  const interrupt = new AbortController();
  let settle: (exitCode: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    settle = resolve;
  });
  return {
    log: createLogger({ service: 'lab', level: 'warn', pretty: true, out: process.stderr }),
    async start() {
      runAll({ values, names, env, signal: interrupt.signal }).then(settle, (error: unknown) => {
        complain(NAME, interrupt.signal.aborted ? 'interrupted, its processes have ended' : error);
        settle(1);
      });
    },
    async end() {
      interrupt.abort();
      await ended;
    },
    endLimitMs: END_LIMIT_MS,
    ended,
  };
}

function checkIds(ids: readonly string[]): void {
  const known = SCENARIOS.map(({ id }) => id);
  const unknown = ids.find((id) => !known.includes(id));
  if (unknown === undefined) return;
  throw new OptionsError(
    `there is no experiment ${JSON.stringify(unknown)}, must be of ${known.join(', ')}, or losses`,
  );
}

function checkLosses({ cells }: LabNames, { markdown }: LabSettings): void {
  if (cells === undefined) {
    if (markdown === undefined) return;
    throw new OptionsError('--markdown writes the page of the loss table: it needs the name losses');
  }
  try {
    lossCells(cells);
  } catch (error) {
    throw new OptionsError(error instanceof Error ? error.message : String(error));
  }
}

/** Before anything runs: a report that cannot be written would be missed at the end. */
function checkFolder(flag: string, file: string | undefined): void {
  if (file === undefined || existsSync(dirname(resolve(file)))) return;
  throw new OptionsError(`${flag} ${file} cannot be written: there is no folder ${dirname(file)}`);
}

/** Runs everything and tells of it; resolves to the exit code. */
async function runAll(options: RunOptions): Promise<number> {
  const { json, out, markdown } = options.values;
  const result = await resultOf(options);
  const { losses } = result;
  if (markdown !== undefined && losses !== undefined) {
    writeFileSync(markdown, lossesMarkdown({ ...result, losses }));
  }
  if (out !== undefined) writeFileSync(out, renderReport(result));
  await print(json ? `${JSON.stringify(result)}\n` : resultText(result));
  return isPassed(result) ? 0 : 1;
}

async function resultOf({ values, names, env, signal }: RunOptions): Promise<LabResult> {
  const speedUp = values.fast ? FAST : 1;
  const { scenarios: ids, cells } = names;
  const lossesMs = cells === undefined ? 0 : lossesEstimateMs(cells);
  const progress = new ProgressLine(process.stderr);
  const natsServer = await natsServerVersion(env);
  try {
    const scenarios = await runLab({
      scenarios: cells !== undefined && ids.length === 0 ? [] : selectScenarios(ids),
      speedUp,
      signal,
      env,
      onProgress: ({ scenario, variants, leftMs }) => {
        const playing = variants.length === 0 ? '' : `: ${variants.join(', ')}`;
        progress.show(`${scenario.id} ${scenario.title}${playing}`, leftMs + lossesMs);
      },
    });
    if (cells !== undefined) progress.show('loss table', lossesMs);
    const onCell: LossesOptions['onCell'] = (name, { done, all, leftMs }) =>
      progress.show(`loss table: ${done} of ${all} cells, ${name}`, leftMs);
    const losses = cells && (await runLosses({ only: cells, signal, env, onCell }));
    return {
      at: new Date().toISOString(),
      command: [COMMAND, ...process.argv.slice(2)].join(' '),
      speedUp,
      versions: { 'now-or-never': version(), node: process.versions.node, 'nats-server': natsServer },
      machine: describeMachine(),
      scenarios,
      ...(losses && { losses }),
    };
  } finally {
    progress.stop();
  }
}
