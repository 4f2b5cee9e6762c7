import { isMainThread, type MessagePort, workerData } from 'node:worker_threads';
import { pino } from 'pino';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { sharedNowMs, systemClock } from '../../lib/clock.ts';
import { CallContext } from '../api/context.ts';
import type { LoadedFunction } from '../api/define.ts';
import { loadFunction } from '../load/load-module.ts';
import { type Completion, gaveUp } from './completion.ts';
import { perform } from './perform.ts';
import type { AbortMessage, ThreadCall, ThreadData } from './thread-messages.ts';

/** The port of the call that this thread runs: a thread runs one at a time. */
let port: MessagePort | undefined;
let loading: Promise<LoadedFunction> | undefined;

const data = threadData();
const log = pino({ level: data.level, base: null }, { write: writeLine });

/**
 * Runs one call in this thread; without a call it only loads the function. Rejects when the module cannot be
 * loaded. The pool calls it by its name.
 */
export async function runCall(call: ThreadCall | undefined): Promise<unknown> {
  loading ??= loadFunction(data.file, { name: data.name });
  const fn = await loading;
  if (call === undefined) return undefined;
  const remainingMs = call.sharedDeadlineAt - sharedNowMs();
  // It may have waited for a thread: no handler begins after its deadline.
  if (remainingMs <= 0) return gaveUp('deadline');
  const { callId, headers } = call;
  const told = { callId, headers, deadlineAt: systemClock.now() + remainingMs };
  const context = new CallContext(data.name, told, { clock: systemClock, log });
  port = call.port;
  port.on('message', ({ name, message }: AbortMessage) => context.abort(new DOMException(message, name)));
  try {
    return movable(await perform(fn, call, context));
  } finally {
    port.close();
    port = undefined;
  }
}

function threadData(): ThreadData {
  if (isMainThread) throw new Error('this module runs in worker threads only');
  const { file, name, level }: ThreadData = workerData;
  return { file, name, level };
}

/**
 * The completion with its body moved to the main thread instead of copied there. What is moved is our own copy:
 * the handler may keep the bytes it returned, and return them again.
 */
function movable(completion: Completion): unknown {
  const body = new Uint8Array(completion.body);
  return move({ [transferableSymbol]: [body.buffer], [valueSymbol]: { ...completion, body } });
}

/** Between calls there is nobody to send a line to, so it goes out by itself. */
function writeLine(line: string): void {
  if (port === undefined) process.stderr.write(line);
  else port.postMessage(line);
}
