import { percent } from './figures.ts';
import { lossesText } from './losses/text.ts';
import type { Check, LabResult, ScenarioResult } from './result.ts';

/** Whether every check of a result has passed, and everything ran to its end. */
export function isPassed({ scenarios, losses }: LabResult): boolean {
  const checks = [...scenarios.flatMap((scenario) => scenario.checks), ...(losses?.checks ?? [])];
  return checks.every(({ ok }) => ok) && scenarios.every(({ error }) => error === undefined);
}

/** A result for a terminal: a row for each scenario, then its checks; those that failed in full. */
export function resultText(result: LabResult): string {
  const { scenarios, losses } = result;
  const width = Math.max(...scenarios.map(({ title }) => title.length));
  const parts = scenarios.map((scenario) => scenarioText(scenario, width));
  if (losses !== undefined) parts.push(`${lossesText(losses)}\n${losses.checks.map(checkText).join('\n')}\n`);
  const checks = [...scenarios.flatMap((scenario) => scenario.checks), ...(losses?.checks ?? [])];
  const broken = scenarios.filter(({ error }) => error !== undefined).length;
  const unfinished = broken === 0 ? '' : `, ${broken} scenarios did not run to their end`;
  const total = `${passedOf(checks)} of ${checks.length} checks passed${unfinished}\n`;
  return `${parts.join('\n')}\n${total}`;
}

function scenarioText({ id, title, variants, checks, error }: ScenarioResult, width: number): string {
  const shares = variants.map(({ name, inTime, offered }) => `${name} ${percent(inTime, offered)}`);
  const verdict =
    error === undefined ? `${passedOf(checks)} of ${checks.length} checks` : 'did not run to its end';
  const lines = [
    `${id.padStart(2)}  ${title.padEnd(width)}  ${verdict.padEnd(16)}  in time: ${shares.join(', ') || '-'}`,
    ...(error === undefined ? [] : [`      FAILED  ${error}`]),
    ...checks.map(checkText),
  ];
  return `${lines.join('\n')}\n`;
}

function checkText({ ok, says, got }: Check): string {
  return ok ? `      ok      ${says}` : `      FAILED  ${says}\n              got: ${got}`;
}

function passedOf(checks: readonly Check[]): number {
  return checks.filter(({ ok }) => ok).length;
}
