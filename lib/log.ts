import { type Bindings, type ChildLoggerOptions, type Logger, pino } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { cut, safeFields, safeValue, serializers } from './log-fields.ts';
import type { LOG_LEVELS } from './log-levels.ts';
import { LogSink, type LogStream } from './log-sink.ts';

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

/**
 * A log of one JSON object per line: `level`, `time` (ISO), `service`, the fields, `msg`. Foreign text is cut,
 * credentials are taken out. A reader that is gone or does not read costs lines, never the process. Lines are written
 * after 20 ms at most; see `LogSink`.
 */
export function createLogger({ service, level, pretty = false, out }: LogOptions): Logger {
  const format = pretty ? prettyFormat(out.isTTY === true) : undefined;
  const log = pino(
    {
      level,
      base: { service },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }), log: safeFields },
      serializers,
      hooks: {
        logMethod(args, method) {
          const values: unknown[] = args;
          // The fields of the first are seen to when the line is composed.
          const first = values[0];
          if (typeof first === 'string') values[0] = cut(first);
          for (let i = 1; i < values.length; i++) values[i] = safeValue(values[i]);
          method.apply(this, args);
        },
      },
    },
    new LogSink(out, format),
  );
  // What a child always says is composed when it is made, and seen to there.
  const { child } = log;
  return Object.assign(log, {
    child(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
      return Reflect.apply(child, this, [safeFields(bindings), options]);
    },
  });
}

let isoAt = 0;
let isoText = '';

/** Many lines fall into one millisecond. */
function isoTime(): string {
  const now = Date.now();
  if (now !== isoAt) {
    isoAt = now;
    isoText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return isoText;
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
