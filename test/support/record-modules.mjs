// `node --import <this file>` notes each ES module that the program loads, one address a line, in the folder
// MODULES_FOLDER: one file for each process, named by its pid.
import { appendFileSync } from 'node:fs';
import { register } from 'node:module';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';

if (isMainThread) register(import.meta.url);

/** Called by Node in the thread of its module hooks. */
export function load(url, context, nextLoad) {
  appendFileSync(join(process.env.MODULES_FOLDER, String(process.pid)), `${url}\n`);
  return nextLoad(url, context);
}
