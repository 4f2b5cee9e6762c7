import { tableLines } from '../../../lib/text-table.ts';
import type { LabResult, Loss } from '../result.ts';

/** The loss table for a terminal: a row for each cell. */
export function lossesText({ budgetMs, cells }: NonNullable<LabResult['losses']>): string {
  const rows = cells.map((cell) => [
    `${cell.part} ${cell.signal}`,
    cell.phase,
    cell.status === 0 ? `connection closed (${cell.code})` : `${cell.status} ${cell.code}`,
    cell.started === undefined ? '' : `started: ${cell.started}`,
    `after ${cell.tookShare.toFixed(2)}`,
    WORK[cell.work],
  ]);
  const head = ['signal', 'the call is', 'its caller is told', '', 'of the budget', 'the work'];
  return `What is lost, and when (budget ${budgetMs / 1000} s)\n\n${tableLines([head, ...rows], () => true).join('\n')}\n`;
}

/** What became of the work of a call, in words. */
export const WORK: Readonly<Record<Loss['work'], string>> = {
  'never began': 'never ran',
  began: 'began, did not end',
  ended: 'ran to its end',
};
