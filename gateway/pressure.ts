import { readdirSync } from 'node:fs';
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { descriptorLimit } from './http/limits.ts';

/** How much of a resource is in use; `used` and `limit` have the same unit. */
interface Usage {
  readonly resource: 'memory' | 'heap' | 'descriptors';
  readonly used: number;
  readonly limit: number;
}

const MAX_SHARE = 0.9;

/** The first resource that is 90 % used, so that callers can be sent elsewhere before it runs out. */
export function pressure(): Usage | undefined {
  return measure().find(({ used, limit }) => used >= MAX_SHARE * limit);
}

function measure(): Usage[] {
  const heap = getHeapStatistics();
  return [
    { resource: 'memory', used: process.memoryUsage.rss(), limit: memoryLimit() },
    { resource: 'heap', used: heap.used_heap_size, limit: heap.heap_size_limit },
    { resource: 'descriptors', used: openDescriptors(), limit: descriptorLimit() },
  ];
}

/** In bytes: the container's limit, else the machine's memory. */
export function memoryLimit(): number {
  const allowed = process.constrainedMemory();
  // Without a limit Node returns 0, undefined or a huge number, depending on its version.
  return allowed > 0 && allowed < totalmem() ? allowed : totalmem();
}

/** 0 where the system does not say. */
function openDescriptors(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
