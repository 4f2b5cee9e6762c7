import { type HeldTable, measureHeldCalls } from './memory.ts';
import { measureStarts, type StartTable } from './startup.ts';

/** What is measured besides throughput. */
export interface Extras {
  readonly held: HeldTable;
  readonly starts: StartTable;
}

/** Memory of held calls, and what starts take. */
export async function measureExtras(): Promise<Extras> {
  return { held: await measureHeldCalls(), starts: await measureStarts() };
}
