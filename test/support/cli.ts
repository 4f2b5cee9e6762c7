import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A running command and what it has said. */
export interface RunningCommand {
  readonly child: ChildProcess;
  /** Standard output so far. */
  readonly output: string;
  /** Standard error so far. */
  readonly errors: string;
  /** Resolves when standard output has matched, also before; rejects when the process ends first. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves when it has ended and said everything. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * Runs `now-or-never`, or the program `main`, from its source, as the leader of a process group of its own: `kill(-pid)` is a Ctrl-C.
 * The group is killed with the test.
 */
export function runCommand(
  t: TestContext,
  args: readonly string[],
  { env = {}, cwd = ROOT, main = MAIN }: { env?: Record<string, string>; cwd?: string; main?: string } = {},
): RunningCommand {
  const { PATH, HOME, NATS_SERVER_BIN } = process.env;
  const tsx = import.meta.resolve('tsx');
  const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, ...(NATS_SERVER_BIN === undefined ? {} : { NATS_SERVER_BIN }), ...env },
  });
  t.after(() => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  return {
    child,
    ended,
    get output() {
      return output;
    },
    get errors() {
      return errors;
    },
    said: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(output);
          if (match === null) return;
          child.stdout.off('data', look);
          resolve(match);
        };
        child.stdout.on('data', look);
        look();
        void ended.then(() => reject(new Error(`it ended and never said ${pattern}: ${output}${errors}`)));
      }),
  };
}
