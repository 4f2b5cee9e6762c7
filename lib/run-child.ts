import type { Logger } from 'pino';
import type { z } from 'zod';
import { type FromChild, toChildSchema } from './child-messages.ts';

/** How a process is told to end: for good, or because a fresh process goes on with its work. */
interface ChildEnd {
  readonly isReplaced: boolean;
}

/** What a process of a pool does. */
export interface ChildProgram {
  readonly log: Logger;
  /** Resolves with what the parent is told when it serves; rejects when it cannot. */
  start(): Promise<unknown>;
  /** Finishes what it has; may be called while it still starts. Resolves with what it leaves behind, if anything. */
  end(how: ChildEnd): Promise<unknown>;
  /** Answers a question of the parent. */
  answer?(question: string): Promise<unknown> | unknown;
  /** When `end` takes longer, the process is ended by force. */
  readonly endLimitMs: number;
}

const MAX_REASON = 1000;
/** How long a parent may take to hear the last word. */
const LAST_WORD_MS = 500;

/**
 * Runs a process of a `ProcessPool`, which sends its settings.
 *
 *   waiting   for the settings, which it asks for
 *   serving   until SIGTERM, `drain`, or the end of the parent
 *   draining  answers what it has, then exits 0; a second SIGTERM ends it at once
 *
 * SIGINT and SIGHUP are the parent's business: a Ctrl-C reaches every process of the terminal.
 */
export function runChild<Settings>(
  settingsSchema: z.ZodType<Settings>,
  create: (settings: Settings) => ChildProgram,
): void {
  if (process.send === undefined) {
    process.stderr.write('this program is started by its parent only\n');
    process.exit(2);
  }
  const child = new Child((settings) => create(settingsSchema.parse(settings)));
  // The parent may be gone before its end of these pipes is missed.
  process.stderr.on('error', () => {});
  process.on('message', (received) => child.onMessage(received));
  process.on('disconnect', () => void child.drain());
  process.on('SIGTERM', () => {
    if (child.isDraining) process.exit(143);
    void child.drain();
  });
  for (const signal of ['SIGINT', 'SIGHUP']) {
    process.on(signal, () => {
      if (!process.connected) void child.drain();
    });
  }
  report({ type: 'waiting' });
}

class Child {
  readonly #create: (settings: unknown) => ChildProgram;
  #program: ChildProgram | undefined;
  #isDraining = false;

  constructor(create: (settings: unknown) => ChildProgram) {
    this.#create = create;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  onMessage(received: unknown): void {
    const message = toChildSchema.parse(received);
    if (message.type === 'drain') void this.drain(message);
    else if (message.type === 'ask') void this.#answer(message.id, message.question);
    else if (this.#program === undefined) void this.#serve(message.settings);
  }

  async drain(how: ChildEnd = { isReplaced: false }): Promise<void> {
    if (this.#isDraining) return;
    this.#isDraining = true;
    // Nobody else would end it when the parent is gone and its work is stuck.
    setTimeout(() => process.exit(1), this.#program?.endLimitMs ?? 0);
    const last = await this.#program?.end(how);
    if (last === undefined) process.exit(0);
    setTimeout(() => process.exit(0), LAST_WORD_MS);
    report({ type: 'last', last }, () => process.exit(0));
  }

  async #serve(settings: unknown): Promise<void> {
    try {
      const program = this.#create(settings);
      this.#program = program;
      process.on('uncaughtException', (error) => {
        program.log.fatal({ err: error }, 'uncaught, the process ends');
        fail(error);
      });
      const ready = await program.start();
      report({ type: 'ready', ready });
    } catch (error) {
      fail(error);
    }
  }

  async #answer(id: number, question: string): Promise<void> {
    const answer = await this.#program?.answer?.(question);
    report({ type: 'answer', id, answer });
  }
}

/** Reports to the parent why, then ends; a parent that does not take it changes nothing. */
function fail(error: unknown): void {
  const said = error instanceof Error ? error.message : String(error);
  const reason = said
    .replace(/[\x00-\x1f\x7f]+/g, ' ')
    .slice(0, MAX_REASON)
    .trim();
  setTimeout(() => process.exit(1), LAST_WORD_MS);
  report({ type: 'failed', reason }, () => process.exit(1));
}

function report(message: FromChild, done: () => void = () => {}): void {
  if (process.connected) process.send?.(message, done);
  else done();
}
