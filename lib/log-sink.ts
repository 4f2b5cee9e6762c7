/** The part of a writable stream that a log needs. */
export interface LogStream {
  readonly writableLength: number;
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const MAX_LINE = 16_384;
const MAX_START = 1000;
/** What a reader may leave unread before lines are dropped, in characters. */
const MAX_UNREAD = 1_048_576;
/** Bytes of lines that are written together: a write of so many to a pipe never mixes with another process's. */
const MAX_TOGETHER = 4096;
const COLLECT_MS = 20;
/** pino's number of the level from which on nothing is collected. */
const ERROR = 50;
/** By this a destination tells pino that it wants to know the level of each line. */
const WITH_LEVEL: unique symbol = Symbol.for('pino.metadata');

/** Sinks that may have collected lines: the end of the process writes them out. */
const collecting = new Set<LogSink>();
let isExitWatched = false;

/**
 * pino's destination: bounded, never waits and never throws.
 *
 * Lines are collected for at most 20 ms and written together, since a write costs more than a call. An error is
 * written at once, and what is left when the process exits by itself; a process that is killed loses what it
 * collected.
 */
export class LogSink {
  readonly [WITH_LEVEL] = true;
  /** Set by pino before each line. */
  lastLevel = 0;
  readonly #out: LogStream;
  readonly #format: ((line: string) => string) | undefined;
  #isClosed = false;
  #text = '';
  #lines = 0;
  #dropped = 0;
  #isTimed = false;

  constructor(out: LogStream, format: ((line: string) => string) | undefined) {
    this.#out = out;
    this.#format = format;
    // Without a listener a closed pipe (EPIPE) would end the process.
    out.on('error', () => {
      this.#isClosed = true;
    });
  }

  write(line: string): void {
    if (this.#isClosed) return;
    const bounded = line.length > MAX_LINE ? tooLong(line) : line;
    const text = this.#format?.(bounded) ?? bounded;
    if (this.#text.length + text.length > MAX_TOGETHER) this.flushSync();
    this.#text += text;
    this.#lines++;
    if (this.lastLevel >= ERROR) this.flushSync();
    else if (!this.#isTimed) this.#flushLater();
    // Who writes a line without pino says no level.
    this.lastLevel = 0;
  }

  /** Writes out what was collected. */
  flush(done: () => void): void {
    this.flushSync();
    done();
  }

  /** As `flush`: pino's name for it when the process is about to end. */
  flushSync(): void {
    if (this.#lines === 0) return;
    const lines = this.#lines;
    const text = withoutCredentials(this.#text);
    this.#text = '';
    this.#lines = 0;
    if (this.#isClosed) return;
    if (this.#out.writableLength > MAX_UNREAD) {
      this.#dropped += lines;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#put(ownLine({ msg: 'log lines were dropped, nobody read them', dropped }));
    if (Buffer.byteLength(text) <= MAX_TOGETHER) this.#put(text);
    else for (const page of pagesOf(text)) this.#put(page);
  }

  #flushLater(): void {
    this.#isTimed = true;
    collecting.add(this);
    flushAtExit();
    const timer = setTimeout(() => {
      this.#isTimed = false;
      collecting.delete(this);
      this.flushSync();
    }, COLLECT_MS);
    timer.unref();
  }

  #put(text: string): void {
    try {
      this.#out.write(text);
    } catch {
      // A full disk: the lines are lost, the next may not be.
    }
  }
}

/** Whole lines, as many together as may be: for characters that take several bytes. */
function pagesOf(text: string): string[] {
  const pages: string[] = [];
  let page = '';
  for (const line of text.split(/(?<=\n)/)) {
    if (page !== '' && Buffer.byteLength(page) + Buffer.byteLength(line) > MAX_TOGETHER) {
      pages.push(page);
      page = '';
    }
    page += line;
  }
  pages.push(page);
  return pages;
}

function flushAtExit(): void {
  if (isExitWatched) return;
  isExitWatched = true;
  process.on('exit', () => {
    for (const sink of collecting) sink.flushSync();
  });
}

function tooLong(line: string): string {
  return ownLine({ msg: 'a log line was too long', length: line.length, start: line.slice(0, MAX_START) });
}

function ownLine(fields: object): string {
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), ...fields })}\n`;
}

/** Takes `user:password@` out of every address in lines, however deep it is in there. */
function withoutCredentials(text: string): string {
  return text.includes('@') ? text.replace(/:\/\/[^\s/"]*@/g, '://[redacted]@') : text;
}
