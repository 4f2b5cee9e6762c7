import { readFileSync } from 'node:fs';

/** Processor time in /proc is counted in hundredths of a second. */
const TICK_US = 10_000;

/** A process and all that it started, parents first; only the process itself where there is no /proc. */
export function processTree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(processTree)];
}

/** Sends a signal to a process and all that it started, parents first: none is left to start another. */
export function signalTree(pid: number, signal: NodeJS.Signals): void {
  for (const member of processTree(pid)) {
    try {
      process.kill(member, signal);
    } catch {
      // It has ended in the meantime.
    }
  }
}

/** Microseconds of processor time that a process and all that it started have used; 0 without /proc. */
export function processorUs(pid: number): number {
  let ticks = 0;
  for (const member of processTree(pid)) {
    const stat = read(`/proc/${member}/stat`);
    // After the name, which may hold spaces: state is field 3, user and system time are 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
  }
  return ticks * TICK_US;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
