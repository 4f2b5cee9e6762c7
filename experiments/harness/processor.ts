import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Processor time in /proc is counted in hundredths of a second. */
const TICK_US = 10_000;

/** Microseconds of processor time that a process and all that it started have used; 0 without /proc. */
export function processorUs(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  // After the name, which may hold spaces: state is field 3, user and system time are 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const own = (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_US;
  return childrenOf(pid).reduce((total, child) => total + processorUs(child), own);
}

/** Bytes of memory that a process and all that it started hold; 0 without /proc. */
export function residentBytes(pid: number): number {
  const own = Number(/^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
  return childrenOf(pid).reduce((total, child) => total + residentBytes(child), own);
}

/**
 * Measures how much of the machine others use, from now on: other programs, and other guests of the same host
 * (steal). The returned function takes the microseconds of processor time that the run itself has used since and
 * returns the share of all processors that went elsewhere, 0 to 1; undefined where there is no /proc.
 */
export function watchForeignLoad(): (ownUs: number) => number | undefined {
  const from = { at: performance.now(), busyUs: busyUs() };
  return (ownUs) => {
    const now = busyUs();
    if (now === undefined || from.busyUs === undefined) return undefined;
    const capacityUs = (performance.now() - from.at) * 1000 * availableParallelism();
    return Math.max(0, now - from.busyUs - ownUs) / capacityUs;
  };
}

/** All processors since the machine's start, whatever they did but idle and wait. */
function busyUs(): number | undefined {
  const line = read('/proc/stat').split('\n', 1)[0] ?? '';
  if (line === '') return undefined;
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq + steal) * TICK_US;
}

function childrenOf(pid: number): number[] {
  return read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

/** A file of /proc; empty when it is not there. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
