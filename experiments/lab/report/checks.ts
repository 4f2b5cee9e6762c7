import { type Html, html, prose } from '../../harness/report/html.ts';
import type { Check, LabResult, ScenarioResult } from '../result.ts';

/** The checks of a scenario or of the loss table, each with what was got. */
export function checkList(checks: readonly Check[], heading: string): Html | undefined {
  if (checks.length === 0) return undefined;
  return html`
<h4>${heading}</h4>
<ul class="checks">${checks.map(
    ({ says, ok, got }) => html`
  <li class="${ok ? 'passed' : 'failed'}">${mark(ok)}<div>${prose(says)} <span class="got">${prose(got)}</span></div></li>`,
  )}
</ul>`;
}

/** `✓` or `✗`, with a word for those who hear it. */
export function mark(ok: boolean): Html {
  return html`<span class="mark ${ok ? 'passed' : 'failed'}" role="img" aria-label="${ok ? 'passed' : 'failed'}">${ok ? '✓' : '✗'}</span>`;
}

/** Whether a scenario was run to its end and shows all that it must. */
export function isScenarioPassed({ checks, error }: ScenarioResult): boolean {
  return error === undefined && checks.every(({ ok }) => ok);
}

/** Checks of scenarios and losses that passed, of all, and scenarios that broke off: theirs count as failed. */
export function countChecks({ scenarios, losses }: LabResult): {
  passed: number;
  all: number;
  broken: number;
} {
  const broken = scenarios.filter(({ error }) => error !== undefined);
  const checksOf = (some: readonly { checks: readonly Check[] }[]) => some.flatMap(({ checks }) => checks);
  const sound = checksOf([
    ...scenarios.filter(({ error }) => error === undefined),
    ...(losses === undefined ? [] : [losses]),
  ]);
  return {
    passed: sound.filter(({ ok }) => ok).length,
    all: sound.length + checksOf(broken).length,
    broken: broken.length,
  };
}
