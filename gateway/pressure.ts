import { readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { descriptorLimit } from './http/limits.ts';

/** How much of a resource is used; `used` and `limit` in the same unit. */
export interface Usage {
  readonly resource: 'memory' | 'heap' | 'descriptors';
  readonly used: number;
  readonly limit: number;
}

const TOO_FULL = 0.9;

/** The first resource of which nine tenths are used, so that callers can be sent elsewhere before it is gone. */
export function pressure(usages: readonly Usage[] = measure()): Usage | undefined {
  return usages.find(({ used, limit }) => used >= TOO_FULL * limit);
}

function measure(): Usage[] {
  const heap = getHeapStatistics();
  return [
    { resource: 'memory', used: process.memoryUsage.rss(), limit: memoryLimit() },
    { resource: 'heap', used: heap.used_heap_size, limit: heap.heap_size_limit },
    { resource: 'descriptors', used: openDescriptors(), limit: descriptorLimit() },
  ];
}

/** Bytes: what a container allows, else what the machine has. */
export function memoryLimit(): number {
  const allowed = process.constrainedMemory();
  // Without a limit Node answers 0, undefined or a number beyond any machine, as its versions go.
  return allowed > 0 && allowed < totalmem() ? allowed : totalmem();
}

/** 0 where the system does not tell. */
function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
