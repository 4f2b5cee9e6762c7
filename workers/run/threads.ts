import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Logger } from 'pino';
import { Piscina } from 'piscina';
import { type Clock, sharedNowMs } from '../../lib/clock.ts';
import type { LoadedFunction } from '../api/define.ts';
import { type Completion, handlerFailed, type Invocation } from './completion.ts';
import { DESCRIBED, describeError } from './describe-error.ts';
import { relayLogLine } from './thread-log.ts';
import type { AbortMessage, ThreadCall } from './thread-messages.ts';

/** A call that runs, in the event loop or in a thread. */
export interface Execution {
  /** Never rejects; need not resolve when the handler hangs. */
  readonly finished: Promise<Completion>;
  /** Fires the handler's signal. */
  abort(name: 'TimeoutError' | 'AbortError', message: string): void;
  /** Ends the handler by force where that is possible, which is in a thread. */
  end(): void;
}

/** What a pool needs. */
export interface ThreadPoolOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly maxHeapMb?: number | undefined;
}

// The build keeps the layout and changes the extension, so the entry has that of this very file.
const ENTRY = fileURLToPath(new URL(`./thread-entry${extname(import.meta.url)}`, import.meta.url));

/** The threads of one function: as many as it has slots, each runs one call at a time. */
export class ThreadPool {
  readonly #fn: LoadedFunction;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #pool: Piscina<ThreadCall | undefined, Completion | undefined>;

  /** The threads start at once. */
  constructor(fn: LoadedFunction, { clock, log, maxHeapMb }: ThreadPoolOptions) {
    this.#fn = fn;
    this.#clock = clock;
    this.#log = log.child({ function: fn.name }, DESCRIBED);
    this.#pool = new Piscina({
      filename: ENTRY,
      name: 'runCall',
      minThreads: fn.slots,
      maxThreads: fn.slots,
      workerData: { file: fn.file, name: fn.name, level: log.level },
      // Else a thread sleeps between calls, and with it the timers and connections that its handler keeps.
      atomics: 'disabled',
      recordTiming: false,
      ...(maxHeapMb === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: maxHeapMb } }),
    });
    // Comes only when a thread dies between calls: it is replaced, and no call is harmed.
    this.#pool.on('error', (error) => this.#log.error({ err: describeError(error) }, 'an idle thread died'));
  }

  /** Resolves when every thread has loaded the function; what fails there fails again, and is reported, in a call. */
  async prepare(): Promise<void> {
    const loads = Array.from({ length: this.#fn.slots }, () => this.#pool.run(undefined));
    for (const load of await Promise.allSettled(loads)) {
      if (load.status === 'rejected')
        this.#log.error({ err: describeError(load.reason) }, 'a thread cannot load');
    }
  }

  /** Runs a call in a free thread, or in the next that is. */
  run(invocation: Invocation): Execution {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (line) => relayLogLine(this.#log, line));
    port1.unref();
    // The body is a view of what the socket read, others' messages included: only a copy can be transferred.
    const body = new Uint8Array(invocation.body);
    const call: ThreadCall = {
      callId: invocation.callId,
      headers: { ...invocation.headers },
      body,
      sharedDeadlineAt: sharedNowMs() + invocation.deadlineAt - this.#clock.now(),
      maxReplyBytes: invocation.maxReplyBytes,
      port: port2,
    };
    const force = new AbortController();
    const finished = this.#pool
      .run(call, { transferList: [body.buffer, port2], signal: force.signal })
      .then((completion) => completion ?? handlerFailed(describeError('the thread answered nothing')))
      .catch((error) => handlerFailed(describeError(error)))
      .finally(() => this.#closePort(port1));
    return {
      finished,
      abort: (name, message) => port1.postMessage({ name, message } satisfies AbortMessage),
      end: () => force.abort(),
    };
  }

  /** Ends the threads at once; calls in them fail. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  /** Lines that the thread sent before its answer are here already, perhaps not yet delivered. */
  #closePort(port: MessagePort): void {
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      relayLogLine(this.#log, next.message);
    }
    port.close();
  }
}
