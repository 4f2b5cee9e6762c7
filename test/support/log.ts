import { type Logger, pino } from 'pino';

/** One log line as an object; `level` is pino's number (30 info, 40 warn, 50 error). */
type LogLine = Readonly<Record<string, unknown>> & { readonly level: number; readonly msg: string };

/** A logger that prints nothing. */
export interface RecordingLog {
  readonly log: Logger;
  /** Everything logged so far, all levels. */
  readonly lines: readonly LogLine[];
  /** The lines whose message contains `text`. */
  find(text: string): LogLine[];
}

/** A logger that keeps its lines for asserts. */
export function recordingLog(): RecordingLog {
  const lines: LogLine[] = [];
  const log = pino(
    { level: 'trace', base: null, timestamp: false },
    { write: (line: string) => void lines.push(JSON.parse(line)) },
  );
  return { log, lines, find: (text) => lines.filter((line) => line.msg?.includes(text)) };
}

/** A logger for tests that do not look at the log. */
export const silentLog: Logger = pino({ level: 'silent' });
