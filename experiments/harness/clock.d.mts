/**
 * Milliseconds from an arbitrary start that is the same in every process of this machine: for times that are
 * compared between processes. Setting the wall clock does not change it.
 */
export function sharedNow(): number;
