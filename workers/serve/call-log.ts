import { type Logger, pino } from 'pino';
import { cut } from '../../lib/log-fields.ts';

// A line for each call is most of what a worker writes. pino looks at every field of every line; here the constant
// parts are composed once, which takes half of the time. That the line is the one that pino would write is held by
// test/workers/serve/call-log.test.ts.

/** What is logged of a call that ended. */
export interface EndedCallFields {
  /** A token. */
  readonly call: string;
  readonly requestId: string | undefined;
  /** A word of ours. */
  readonly outcome: string;
  /** Whole milliseconds. */
  readonly waitMs: number;
  readonly workMs: number;
  readonly running: number;
  readonly buffered: number;
  readonly parked: number;
}

const { streamSym, timeSym, chindingsSym, lsCacheSym } = pino.symbols;
const INFO = pino.levels.values.info ?? 30;

/** Logs, at level info, the calls of one function that ended. */
export class CallLog {
  readonly #log: Logger;
  readonly #stream: { write(line: string): void };
  readonly #level: string;
  readonly #bindings: string;
  readonly #time: () => string;

  /** `log` has the bindings that all these lines share. */
  constructor(log: Logger) {
    this.#log = log;
    this.#stream = Reflect.get(log, streamSym);
    this.#level = Reflect.get(log, lsCacheSym)[INFO];
    this.#bindings = Reflect.get(log, chindingsSym);
    this.#time = Reflect.get(log, timeSym);
  }

  ended({ call, requestId, outcome, waitMs, workMs, running, buffered, parked }: EndedCallFields): void {
    if (!this.#log.isLevelEnabled('info')) return;
    const request = requestId === undefined ? '' : `,"requestId":${JSON.stringify(cut(requestId))}`;
    this.#stream.write(
      `${this.#level}${this.#time()}${this.#bindings},"call":"${call}"${request},"outcome":"${outcome}","waitMs":${waitMs},"workMs":${workMs},"running":${running},"buffered":${buffered},"parked":${parked},"msg":"call"}\n`,
    );
  }
}
