/** How long a call may take, as asked for by its caller. */
export interface Budget {
  budgetMs: number;
  /** The caller asked for more than is allowed and got the maximum. */
  clamped: boolean;
  /** Value of `Preference-Applied`, when a preference decided. */
  preferenceApplied?: string;
}

export interface BudgetLimits {
  defaultMs: number;
  maxMs: number;
}

// 15 digits stay exact in a double; what is longer is no sensible time and is ignored like other garbage.
const DECIMAL_SECONDS = /^\d{1,15}(\.\d{1,15})?$/;
const WHOLE_SECONDS = /^\d{1,15}$/;

/**
 * Reads `Request-Timeout` (decimal seconds), else `Prefer: wait=` (whole seconds, RFC 7240), else the default.
 * What is not a positive number is ignored; what is above the maximum is clamped. The result is a whole
 * number of milliseconds, at least 1.
 */
export function readBudget(
  requestTimeout: string | undefined,
  prefer: string | undefined,
  limits: BudgetLimits,
): Budget {
  const asked = seconds(requestTimeout?.trim(), DECIMAL_SECONDS);
  if (asked !== undefined) return clamp(asked, limits);

  const wait = prefer === undefined ? undefined : seconds(preferredWait(prefer), WHOLE_SECONDS);
  if (wait === undefined) return { budgetMs: limits.defaultMs, clamped: false };
  const budget = clamp(wait, limits);
  // RFC 7240, 3: what is named here is what was done, so a clamped wait shows the clamped value.
  return { ...budget, preferenceApplied: `wait=${budget.clamped ? Math.floor(limits.maxMs / 1000) : wait}` };
}

function clamp(askedSeconds: number, { maxMs }: BudgetLimits): Budget {
  const ms = Math.max(1, Math.round(askedSeconds * 1000));
  return ms > maxMs ? { budgetMs: maxMs, clamped: true } : { budgetMs: ms, clamped: false };
}

function seconds(text: string | undefined, form: RegExp): number | undefined {
  if (text === undefined || !form.test(text)) return undefined;
  const value = Number(text);
  return value > 0 ? value : undefined;
}

/** The first `wait` of a Prefer field counts (RFC 7240, 2). */
function preferredWait(prefer: string): string | undefined {
  for (const preference of prefer.split(',')) {
    const [name, value] = (preference.split(';', 1)[0] ?? '').split('=', 2);
    if (name?.trim().toLowerCase() === 'wait') return value?.trim().replace(/^"(.*)"$/, '$1');
  }
  return undefined;
}
