// Waits as long as its input or WORK_MS says, and writes the ledger. Its answer names its call.
import { setTimeout as wait } from 'node:timers/promises';
import { began, ended } from './_ledger.mjs';

const [least = 0, most = least] = (process.env.WORK_MS ?? '0').split('-').map(Number);

export default async function work({ id, ms = least + Math.random() * (most - least) }, ctx) {
  began(id);
  try {
    if (ms > 0) await wait(ms, undefined, { signal: ctx.signal });
  } catch (error) {
    ended(id, ctx.signal.reason?.name);
    throw error;
  }
  ended(id, 'done');
  return { id, pid: process.pid };
}
