import { embeddedJson, html, markup } from '../../harness/report/html.ts';
import type { LabResult } from '../result.ts';
import { chartLibrary } from './assets.ts';
import type { ChartData } from './chart-data.ts';
import { CHART_SCRIPT } from './chart-script.ts';
import { formatTime } from './format.ts';
import { lossesSection } from './losses.ts';
import { scenarioSection } from './scenario.ts';
import { STYLE } from './style.ts';
import { summary } from './summary.ts';

/** Loads nothing from anywhere: the page works from a disk, in a mail and behind any wall. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** A result as one HTML page that needs nothing else. Throws only when the chart library is not installed. */
export function renderReport(result: LabResult): string {
  const library = chartLibrary();
  const data: ChartData[] = [];
  const sections = result.scenarios.map((scenario) => scenarioSection(scenario, data));
  return html`<!doctype html>
<html lang="en" class="no-script">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${markup(POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>now-or-never lab, ${formatTime(result.at)}</title>
<link rel="icon" href="data:,">
<style>${library.style}${markup(STYLE)}</style>
</head>
<body>
<main>
${summary(result)}
${sections}
${result.losses === undefined ? undefined : lossesSection(result.losses)}
<noscript><p class="quiet">The charts over time need JavaScript. All other figures are above.</p></noscript>
</main>
<script type="application/json" id="chart-data">${embeddedJson(data)}</script>
<script>${library.script}</script>
<script>${markup(CHART_SCRIPT)}</script>
</body>
</html>
`.markup;
}
