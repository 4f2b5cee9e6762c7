import { tableLines } from '../lib/text-table.ts';
import type { Percentiles } from './latencies.ts';
import type { LoadSummary } from './load.ts';

/** A generator that was later than this (p99) tells of itself rather than of the gateway. */
const LATE_MS = 10;

/** The summary as tables for people; ends with a line feed. */
export function summaryText(summary: LoadSummary): string {
  const { outcomes, latencyMs, urls, lateMs } = summary;
  const parts = [heading(summary)];
  if (outcomes.length > 0) {
    const rows = outcomes.map(({ status, code, started = '', count, share }) => [
      `${status}`,
      code,
      started,
      `${count}`,
      percent(share),
    ]);
    parts.push(table(['status', 'code', 'started', 'calls', 'share'], rows, 3));
  }
  const { results, failures } = latencyMs;
  const latencies = [
    ...(results ? [['results', ...percentileCells(results)]] : []),
    ...(failures ? [['failures', ...percentileCells(failures)]] : []),
  ];
  if (latencies.length > 0) parts.push(table(['ms', 'p50', 'p90', 'p99', 'p99.9', 'max'], latencies, 1));
  if (urls.length > 1) {
    const rows = urls.map(({ url, calls, results: ofUrl, latencyMs: { p50, p99 } = {} }) => [
      url,
      `${calls}`,
      `${ofUrl}`,
      msText(p50),
      msText(p99),
    ]);
    parts.push(table(['address', 'calls', 'results', 'p50 ms', 'p99 ms'], rows, 1));
  }
  const late =
    lateMs && `calls were sent ${msText(lateMs.p99)} ms late (p99), ${msText(lateMs.max)} at most; `;
  parts.push(`${late ?? ''}seed ${summary.seed}\n`);
  return parts.join('\n');
}

/** What the user must know before believing the figures: a line each, without line feed. */
export function warnings({ lateMs, notSent }: LoadSummary): string[] {
  const late = lateMs?.p99 ?? 0;
  return [
    ...(late > LATE_MS
      ? [
          `the generator itself was late: 1 % of the calls were sent ${msText(late)} ms or more after they were due, and their latencies include that`,
        ]
      : []),
    ...(notSent > 0
      ? [`${notSent} calls were not sent, because too many were under way (see --max-in-flight)`]
      : []),
  ];
}

function heading({ sendingMs, tookMs, clients, offered, paused, pauses, goodput, ...rest }: LoadSummary) {
  const { budgetMs, results, inTime } = rest;
  const pace = sendingMs > 0 ? ` (${((offered * 1000) / sendingMs).toFixed(1)}/s)` : '';
  const lines = [
    `${countOf(offered, 'call')} by ${countOf(clients, 'client')} in ${secondsText(sendingMs)}${pace}, the last answer after ${secondsText(tookMs)}`,
    `goodput ${goodput.perSecond.toFixed(1)}/s: ${countOf(inTime, 'result')}${budgetMs === undefined ? '' : ` within ${budgetMs} ms`}, ${percent(goodput.share)} of what was offered`,
    ...(results > inTime ? [`${countOf(results - inTime, 'result')} came too late`] : []),
    ...(pauses > 0 ? [`${countOf(pauses, 'pause')}; ${countOf(paused, 'call')} due in them not sent`] : []),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** The first `leftColumns` are text, the others numbers. */
function table(head: readonly string[], rows: readonly (readonly string[])[], leftColumns: number): string {
  return `${tableLines([head, ...rows], (column) => column < leftColumns).join('\n')}\n`;
}

function percentileCells({ p50, p90, p99, p999, max }: Percentiles): string[] {
  return [p50, p90, p99, p999, max].map(msText);
}

/** Milliseconds without unit: a decimal below 100, `-` for none. */
export function msText(ms: number | undefined): string {
  return ms === undefined ? '-' : ms.toFixed(ms < 99.95 ? 1 : 0);
}

/** `9.5 s`. */
export function secondsText(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
