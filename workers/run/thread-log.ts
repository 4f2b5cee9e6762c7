import type { Logger } from 'pino';
import { z } from 'zod';

const LEVELS = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' } as const;

const lineSchema = z.looseObject({
  level: z.number(),
  msg: z.string().optional(),
});

/**
 * Logs in the main thread what a handler logged in its own: so that lines never mix, and look like all others.
 * What is not a log line is logged as text.
 */
export function relayLogLine(log: Logger, line: unknown): void {
  const read = lineSchema.safeParse(parse(line));
  if (!read.success) {
    log.info({ text: String(line).slice(0, 2000) }, 'a thread wrote');
    return;
  }
  const {
    level,
    msg,
    time: _time,
    pid: _pid,
    hostname: _hostname,
    function: _function,
    ...fields
  } = read.data;
  log[levelName(level)](fields, msg);
}

function parse(line: unknown): unknown {
  try {
    return JSON.parse(String(line));
  } catch {
    return undefined;
  }
}

function levelName(level: number): (typeof LEVELS)[keyof typeof LEVELS] {
  if (level >= 60) return LEVELS[60];
  if (level >= 50) return LEVELS[50];
  if (level >= 40) return LEVELS[40];
  if (level >= 30) return LEVELS[30];
  return level >= 20 ? LEVELS[20] : LEVELS[10];
}
