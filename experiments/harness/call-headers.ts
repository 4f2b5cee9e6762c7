/** Carries a call's number, by which ledgers know it. */
export const CALL_HEADER = 'X-Fn-Call';

/** Carries a call's size: how much work it is, see `JobSettings`. */
export const SIZE_HEADER = 'X-Fn-Size';
