import type { Logger } from 'pino';

/** Something that runs until it is told to end, or until its work is done. */
export interface Program {
  readonly log: Logger;
  /** Rejects with one line for people when it cannot start. */
  start(): Promise<void>;
  /** Lets work finish and stops; may be called while it still starts. */
  end(): Promise<void>;
  /** When `end` takes longer, the program is ended by force, with exit code 1. */
  readonly endLimitMs: number;
  /** What SIGHUP asks for; without it a SIGHUP ends the program like every other signal. Logs how it fails. */
  reload?(): Promise<void>;
  /** Of a program that ends by itself: resolves with its exit code when its work is done, also after `end`. */
  readonly ended?: Promise<number>;
}

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Runs a program to its end, which is the end of this process:
 *
 *   starting → running → ending
 *
 * The first signal ends it in order (exit code 0, or the program's own), a second one at once (128 + its number).
 * A program that can reload does so at SIGHUP instead. What fails at the start is one line on standard error, what is
 * uncaught is logged; the exit code is 1.
 */
export async function run(name: string, program: Program): Promise<void> {
  const { log } = program;
  let isEnding = false;
  // The parts' timers do not keep the process alive, and a program may have nothing else to wait for.
  setInterval(() => {}, 2 ** 30);
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    process.on(signal, () => {
      if (isEnding) process.exit(exitCode);
      if (signal === 'SIGHUP' && program.reload !== undefined) {
        log.info({ signal }, 'reloading');
        void program.reload();
        return;
      }
      isEnding = true;
      log.info({ signal }, 'stopping; a second signal stops it at once');
      void end(program);
    });
  }
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'uncaught exception');
    process.exit(1);
  });
  try {
    await program.start();
  } catch (error) {
    // A start that was interrupted has no failure of its own.
    if (isEnding) return;
    log.debug({ err: error }, 'cannot start');
    complain(name, error);
    process.exit(1);
  }
  if (program.ended === undefined) return;
  const exitCode = await program.ended;
  // After a signal its `end` comes to its own end first.
  if (isEnding) return;
  log.info({ exitCode }, 'finished');
  process.exit(exitCode);
}

async function end(program: Program): Promise<void> {
  const { log, endLimitMs } = program;
  let exitCode = 0;
  setTimeout(() => {
    log.error({ endLimitMs }, 'did not stop in time');
    process.exit(1);
  }, endLimitMs);
  try {
    await program.end();
    exitCode = (await program.ended) ?? 0;
  } catch (error) {
    log.error({ err: error }, 'did not stop cleanly');
    process.exit(1);
  }
  log.info('stopped');
  process.exit(exitCode);
}

/** One line on standard error, whatever was thrown. */
export function complain(name: string, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${name}: ${message.replace(/\s*[\r\n]+\s*/g, ' ').trim()}\n`);
}
