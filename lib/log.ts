import { type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';

/** Levels of a log, quietest last. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

/** What log to write. */
export interface LogOptions {
  /** Who logs: `gateway`, `worker`. */
  service: string;
  level: LogLevel;
  /** For people at a terminal instead of JSON. */
  pretty?: boolean;
  /** Where lines go: usually the process's standard output. */
  out: LogStream;
}

/** The part of a writable stream that a log needs. */
export interface LogStream {
  readonly writableLength: number;
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

const MAX_TEXT = 1000;
const MAX_STACK = 4000;
const MAX_LINE = 16_384;
const MAX_CAUSES = 3;
/** What a reader may leave unread before lines are dropped, in characters. */
const MAX_WAITING = 1_048_576;

/**
 * A log of one JSON object per line: `level`, `time` (ISO), `service`, the fields, `msg`. Foreign text is cut,
 * credentials are taken out. A reader that is gone or does not read costs lines, never the process.
 */
export function createLogger({ service, level, pretty = false, out }: LogOptions): Logger {
  const format = pretty ? prettyFormat(out.isTTY === true) : undefined;
  const secrets = ['authorization', 'cookie', 'set-cookie', 'password'].map((name) => `["${name}"]`);
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: cutFields },
      serializers: { err: serializeError },
      redact: {
        paths: secrets.flatMap((name) => [name, `*${name}`, `*.*${name}`]),
        censor: '[redacted]',
      },
      hooks: {
        logMethod(args, method) {
          const bounded = args.map((arg) => (typeof arg === 'string' ? cut(arg) : arg));
          method.apply(this, bounded as typeof args);
        },
      },
    },
    new Sink(out, format),
  );
}

/** pino's destination: bounded, never waits and never throws. */
class Sink {
  readonly #out: LogStream;
  readonly #format: ((line: string) => string) | undefined;
  #isClosed = false;
  #dropped = 0;

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
    if (this.#out.writableLength > MAX_WAITING) {
      this.#dropped++;
      return;
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    if (dropped > 0) this.#put(ownLine({ msg: 'log lines were dropped, nobody read them', dropped }));
    const length = line.length;
    this.#put(
      length > MAX_LINE
        ? ownLine({ msg: 'a log line was too long', length, start: line.slice(0, MAX_TEXT) })
        : line,
    );
  }

  #put(line: string): void {
    const safe = withoutCredentials(line);
    try {
      this.#out.write(this.#format?.(safe) ?? safe);
    } catch {
      // A full disk: the line is lost, the next may not be.
    }
  }
}

function ownLine(fields: object): string {
  return `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), ...fields })}\n`;
}

/** Takes `user:password@` out of every address in a line, however deep it is in there. */
function withoutCredentials(line: string): string {
  return line.includes('@') ? line.replace(/:\/\/[^\s/"]*@/g, '://[redacted]@') : line;
}

function prettyFormat(colorize: boolean): (line: string) => string {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    messageFormat: '{service}: {msg}',
    ignore: 'service',
  });
  return (line) => format(line) ?? line;
}

function cutFields(fields: Record<string, unknown>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    result[name] = typeof value === 'string' ? cut(value) : value;
  }
  return result;
}

function cut(text: string, max = MAX_TEXT): string {
  return text.length > max ? `${text.slice(0, max)}...` : text;
}

/** What was thrown, bounded; also for what is no Error. */
function serializeError(thrown: unknown, causes = MAX_CAUSES): unknown {
  if (!(thrown instanceof Error)) return typeof thrown === 'string' ? cut(thrown) : thrown;
  const code: unknown = Reflect.get(thrown, 'code');
  return {
    type: thrown.name,
    message: cut(thrown.message),
    ...(typeof code === 'string' ? { code } : {}),
    ...(thrown.stack === undefined ? {} : { stack: cut(thrown.stack, MAX_STACK) }),
    ...(thrown.cause === undefined || causes === 0
      ? {}
      : { cause: serializeError(thrown.cause, causes - 1) }),
  };
}
