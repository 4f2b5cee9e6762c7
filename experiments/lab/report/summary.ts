import { type Html, html, prose } from '../../harness/report/html.ts';
import type { LabResult, ScenarioResult, Variant } from '../result.ts';
import { countChecks, isScenarioPassed, mark } from './checks.ts';
import { formatMany, formatPercent, formatTime } from './format.ts';
import { anchorOf } from './scenario.ts';

/** The head of the page: what this is, whether all held, where it ran, and one row for each scenario. */
export function summary(result: LabResult): Html {
  return html`
<header>
  <p class="kicker">now-or-never lab</p>
  <h1>The same calls, twice</h1>
  <p class="lead">Each experiment sends the same calls to workers on a plain NATS queue group and to now-or-never, on real processes, and compares what became of them. The experiments come from a notebook that built request/reply on core NATS and noted what broke.</p>
  ${verdict(result)}
  ${origin(result)}
</header>
${result.scenarios.length === 0 ? undefined : overview(result)}
${result.losses === undefined ? undefined : html`<p>And <a href="#losses">what is lost, and when</a>: a table of what a caller sees when a part of the system ends.</p>`}
${WORDS}`;
}

function verdict(result: LabResult): Html {
  const { passed, all, broken } = countChecks(result);
  const ok = passed === all && broken === 0;
  const failed = all - passed;
  return html`
<p class="verdict ${ok ? 'passed' : 'failed'}">${mark(ok)} <span><b>${passed} of ${formatMany(all, 'check')} passed</b>${
    failed > 0 ? `, ${failed} failed` : ''
  }${broken > 0 ? `, ${formatMany(broken, 'experiment')} could not be run to the end` : ''}.</span></p>`;
}

function origin({ at, command, speedUp, versions, machine }: LabResult): Html {
  const pace =
    speedUp === 1
      ? 'as in the notebook: all times are its own'
      : `${speedUp} times as fast: all times are the notebook's divided by ${speedUp === 10 ? 'ten' : speedUp}`;
  return html`
<dl class="origin">
  <dt>Run</dt><dd>${formatTime(at)}</dd>
  <dt>Pace</dt><dd>${pace}</dd>
  <dt>Command</dt><dd><code>${command}</code></dd>
  <dt>Versions</dt><dd>${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}</dd>
  <dt>Machine</dt><dd>${machine.processor}, ${formatMany(machine.cores, 'core')}, ${machine.memoryGiB.toFixed(0)} GiB, ${machine.system}</dd>
</dl>`;
}

function overview({ scenarios }: LabResult): Html {
  return html`
<section>
  <h2>All experiments</h2>
  <table class="overview">
    <thead><tr><th scope="col">Question</th><th scope="col">Answered in time</th><th scope="col">Checks</th></tr></thead>
    <tbody>${scenarios.map(overviewRow)}</tbody>
  </table>
</section>`;
}

function overviewRow(scenario: ScenarioResult): Html {
  const { id, title, question, comparesShares = true, variants, checks, error } = scenario;
  const passed = checks.filter(({ ok }) => ok).length;
  const ok = isScenarioPassed(scenario);
  return html`
<tr>
  <th scope="row"><a href="#${anchorOf(scenario)}"><span class="id">${id}</span>${title}</a><span class="quiet">${prose(question)}</span></th>
  <td>${comparesShares ? variants.map(shareBar) : undefined}</td>
  <td class="${ok ? 'passed' : 'failed'}">${mark(ok)} ${error === undefined ? `${passed} of ${checks.length}` : 'not run to its end'}</td>
</tr>`;
}

function shareBar({ name, kind, inTime, offered }: Variant): Html {
  const width = offered === 0 ? 0 : (100 * inTime) / offered;
  return html`
<div class="share-bar ${kind}"><span class="name">${name}</span><span class="track"><span class="bar" style="width:${width.toFixed(1)}%"></span></span><span class="number">${formatPercent(inTime, offered)}</span></div>`;
}

const WORDS = html`
<section class="words">
  <h2>Words</h2>
  <dl>
    <dt>plain</dt><dd>Workers as any NATS client makes them: one queue group, and the broker gives each call to one of them by chance, whether it is busy or not. A gateway passes HTTP calls on, and does nothing else.</dd>
    <dt>ours</dt><dd>now-or-never: a call goes to a worker with a free slot. When there is none it waits in the gateway, and when it cannot be served in time it is refused.</dd>
    <dt>budget</dt><dd>How long a caller waits. A result within it is “in time”; after it, nobody wants the result any more.</dd>
    <dt>started</dt><dd>What a caller is told when there is no result. <code>no</code>: it is certain that no worker began the call, so it can be sent again. <code>unknown</code>: it may have run. <code>yes</code>: it ran, and failed.</dd>
    <dt>in vain</dt><dd>A worker ran the call, and its caller did not get the answer in time: work for nobody.</dd>
  </dl>
</section>`;
