import { Histogram } from '../../harness/histogram.ts';
import { BIN_MS, type PhaseFigures } from '../../harness/http-load/plan.ts';
import { sum } from '../../harness/statistics.ts';

/** The most that a system answered in time. */
export interface Peak {
  readonly handlerMs: number;
  readonly system: string;
  readonly perSecond: number;
}

/** One overload of one system, and what came after it. */
export interface OverloadRecord {
  readonly handlerMs: number;
  readonly system: string;
  /** What is offered, as a multiple of the first system's peak. */
  readonly times: number;
  /** Offered calls a second. */
  readonly offered: number;
  readonly overload: Summary;
  /** Seconds after the overload from which on at least 95 % of all calls are answered well; undefined = never. */
  readonly recoveredAfterS: number | undefined;
  /** Microseconds of processor time that the gateway spent during the overload for each call that was sent. */
  readonly gatewayUs: number;
  /** Bytes (RSS) of the gateway: before, and the most during overload and after. */
  readonly memory: { readonly before: number; readonly most: number };
}

/** What came of the calls of a phase, of all generators together. Times in milliseconds. */
export interface Summary {
  /** Calls a second that were really sent. */
  readonly sentPerSecond: number;
  readonly goodPerSecond: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly goodP50Ms: number | undefined;
  readonly goodP99Ms: number | undefined;
  /** Of calls that were answered otherwise; those whose caller gave up are not among them. */
  readonly refusedP50Ms: number | undefined;
  readonly refusedP99Ms: number | undefined;
  /** How late the generators were. */
  readonly lateP99Ms: number | undefined;
  /** Share of the calls that the generators could not send at all. */
  readonly unsent: number;
}

const UNSENT = ['generator_late', 'no_connection'];
const NORMAL_SHARE = 0.95;

/** Sums up what several generators saw of a phase. */
export function summarize(parts: readonly PhaseFigures[], seconds: number): Summary {
  const codes = new Map<string, number>();
  for (const part of parts) {
    for (const [code, count] of Object.entries(part.codes)) codes.set(code, (codes.get(code) ?? 0) + count);
  }
  const merged = (which: 'good' | 'refused' | 'late') => {
    const histogram = new Histogram();
    for (const part of parts) histogram.addAll(part[which]);
    return histogram;
  };
  const [good, refused, late] = [merged('good'), merged('refused'), merged('late')];
  const offered = sum(codes.values());
  const unsent = sum(UNSENT.map((code) => codes.get(code) ?? 0));
  return {
    sentPerSecond: (offered - unsent) / seconds,
    goodPerSecond: (codes.get('ok') ?? 0) / seconds,
    codes: Object.fromEntries([...codes].sort(([, a], [, b]) => b - a)),
    goodP50Ms: good.percentile(0.5),
    goodP99Ms: good.percentile(0.99),
    refusedP50Ms: refused.percentile(0.5),
    refusedP99Ms: refused.percentile(0.99),
    lateP99Ms: late.percentile(0.99),
    unsent: offered === 0 ? 0 : unsent / offered,
  };
}

/** Seconds from the begin of a phase until service is normal and stays so; undefined when it does not become so. */
export function recoveryOf(parts: readonly PhaseFigures[]): number | undefined {
  const bins = parts[0]?.bins.map((_, i) => ({
    sent: sum(parts.map((part) => part.bins[i]?.sent ?? 0)),
    good: sum(parts.map((part) => part.bins[i]?.good ?? 0)),
  }));
  const lastBad = bins?.findLastIndex(({ sent, good }) => good < NORMAL_SHARE * sent) ?? -1;
  return lastBad + 1 === bins?.length ? undefined : ((lastBad + 1) * BIN_MS) / 1000;
}

/** All that was measured. */
export class Records {
  readonly peaks: Peak[] = [];
  readonly runs: OverloadRecord[] = [];
  /** Why a system is left out, by its name. */
  readonly missing = new Map<string, string>();

  peak(handlerMs: number, system: string): number | undefined {
    return this.peaks.find((peak) => peak.handlerMs === handlerMs && peak.system === system)?.perSecond;
  }

  of(handlerMs: number, times: number, system: string): OverloadRecord | undefined {
    return this.runs.find(
      (run) => run.handlerMs === handlerMs && run.times === times && run.system === system,
    );
  }

  /** Goodput / the most that could be had: the system's own peak, or what was offered when that is less. */
  share(handlerMs: number, times: number, system: string): number | undefined {
    const run = this.of(handlerMs, times, system);
    const peak = this.peak(handlerMs, system);
    if (run === undefined || peak === undefined) return undefined;
    return run.overload.goodPerSecond / Math.min(peak, run.offered);
  }
}
