/** Levels of a log, quietest last. Apart from the log, so that the help of a command can list them without loading it. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
