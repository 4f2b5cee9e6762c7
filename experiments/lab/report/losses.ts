import { codeName, type Html, html } from '../../harness/report/html.ts';
import { WORK } from '../losses/text.ts';
import { type LabResult, LOSS_PARTS, LOSS_PHASES, LOSS_SIGNALS, type Loss } from '../result.ts';
import { checkList } from './checks.ts';
import { formatMs } from './format.ts';
import { outcomeKey } from './outcomes.ts';

const PHASES = {
  'before it is sent': 'the gateway reads its body',
  parked: 'it waits in the gateway for a slot',
  'on the way': 'from the gateway to the worker',
  running: 'the worker has begun it',
  answering: 'it is done, the reply is on its way',
} as const;

/** The loss table: part and signal as rows, phases of a call as columns. Cells that were not run say so. */
export function lossesSection({ budgetMs, cells, checks }: NonNullable<LabResult['losses']>): Html {
  return html`
<section id="losses">
  <h2>What is lost, and when</h2>
  <p class="question">The broker, a worker or a gateway is told to end, is killed, or stands still. What does a caller see, and was the work done all the same?</p>
  <p>Each cell is one call, held in its moment until the signal had come. One broker, one gateway and one worker with one slot: nobody can take over. The budget is ${formatMs(budgetMs)}. A cell has what the caller was told and when, and below it what became of the work, which the caller does not see.</p>
  <ul class="quiet">
    <li><b>SIGTERM</b> tells the program to end.</li>
    <li><b>SIGKILL</b> ends it at once, with all its processes.</li>
    <li><b>SIGSTOP</b> stops it for longer than the budget; then it goes on.</li>
  </ul>
  <div class="scroll" tabindex="0" role="region" aria-label="Loss table">
  <table class="losses">
    <thead><tr><th scope="col">When the signal comes, the call is</th>${LOSS_PHASES.map((phase) => html`<th scope="col">${phase}<span class="quiet">${PHASES[phase]}</span></th>`)}</tr></thead>
    ${LOSS_PARTS.map((part) => partRows(part, cells, budgetMs))}
  </table>
  </div>
  ${checkList(checks, 'What it must show')}
</section>`;
}

function partRows(part: Loss['part'], cells: readonly Loss[], budgetMs: number): Html {
  return html`
    <tbody>${LOSS_SIGNALS.map(
      (signal) => html`
    <tr><th scope="row">${part} <span class="signal">${signal}</span></th>${LOSS_PHASES.map((phase) =>
      cellOf(
        cells.find((cell) => cell.part === part && cell.signal === signal && cell.phase === phase),
        budgetMs,
      ),
    )}</tr>`,
    )}
    </tbody>`;
}

function cellOf(cell: Loss | undefined, budgetMs: number): Html {
  if (cell === undefined) return html`<td class="quiet">not run</td>`;
  const { status, code, started, tookShare, work } = cell;
  const told = status === 0 ? html`<b>closed</b> ` : html`<b>${status}</b> `;
  return html`
<td class="${cellKind(cell)}">${told}${codeName(code)}${
    started === undefined ? undefined : html`<span>started: <b>${started}</b></span>`
  }<span>after ${formatMs(tookShare * budgetMs)}</span><span class="work">work: ${WORK[work]}</span></td>`;
}

/** A result, a certain no, or something that its caller cannot be certain of. */
function cellKind(cell: Loss): 'result' | 'refused' | 'late' {
  if (outcomeKey(cell) === 'result') return 'result';
  return cell.started === 'no' ? 'refused' : 'late';
}
