import type { LabResult, Loss } from './result.ts';

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
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return `What is lost, and when (budget ${budgetMs / 1000} s)\n\n${[head, ...rows].map(line).join('\n')}\n`;
}

/** What became of the work of a call, in words. */
export const WORK: Readonly<Record<Loss['work'], string>> = {
  'never began': 'never ran',
  began: 'began, did not end',
  ended: 'ran to its end',
};
