import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

/** How a process ended. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One line of a program's log. */
export type ProgramLine = Readonly<Record<string, unknown>>;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const READY_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5000;
const MAX_LINES = 20_000;

/** Path of a folder or file of the handlers that the system tests serve. */
export function handlerPath(name = ''): string {
  return fileURLToPath(new URL(`./handlers/${name}`, import.meta.url));
}

/** A built program that a test started: `node dist/cli/main.js <args>`. TEST_PROGRAM names another main.js. */
export class Program {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  /** Resolves when it has ended and its output was read. */
  readonly exited: Promise<ProgramExit>;
  #exit: ProgramExit | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        if (this.#lines.length < MAX_LINES) this.#lines.push(line);
      });
    }
    this.exited = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** Starts it and resolves when it says that it is ready. It is ended with the test, by force. */
  static async start(
    t: TestContext,
    args: readonly string[],
    { env = {}, nodeFlags = [] }: { env?: Record<string, string>; nodeFlags?: readonly string[] } = {},
  ): Promise<Program> {
    const { TEST_PROGRAM: main = `${ROOT}dist/cli/main.js`, ...inherited } = process.env;
    if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first`);
    const child = spawn(process.execPath, [...nodeFlags, main, ...args], {
      cwd: ROOT,
      env: { ...inherited, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const killOnExit = (): void => void child.kill('SIGKILL');
    process.once('exit', killOnExit);
    const program = new Program(child);
    t.after(async () => {
      await program.stop();
      process.off('exit', killOnExit);
    });
    await program.line((line) => line.msg === 'ready', READY_LIMIT_MS);
    return program;
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /** Undefined while it runs. */
  get exit(): ProgramExit | undefined {
    return this.#exit;
  }

  /** Everything that it wrote so far. */
  get output(): string {
    return this.#lines.join('\n');
  }

  /** Its log lines so far; what is no JSON is left out. */
  lines(): ProgramLine[] {
    return this.#lines.filter((line) => line.startsWith('{')).map((line): ProgramLine => JSON.parse(line));
  }

  /** The first log line that `matches`, waited for; rejects with the output when it does not come. */
  async line(matches: (line: ProgramLine) => boolean, limitMs = 10_000): Promise<ProgramLine> {
    const found = await until(
      () => {
        const line = this.lines().find(matches);
        if (line === undefined && this.#exit !== undefined)
          throw new Error(`it has ended; its output was:\n${this.output}`);
        return line;
      },
      limitMs,
      () => `a log line of ${this.#child.spawnargs.slice(2).join(' ')}, which wrote:\n${this.output}`,
    );
    return found;
  }

  /** Sends a signal to this process alone. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it at once: two different signals, since the first one asks for an orderly end. */
  async stop(): Promise<void> {
    if (this.#exit !== undefined) return;
    this.#child.kill('SIGCONT');
    this.#child.kill('SIGTERM');
    this.#child.kill('SIGINT');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.exited;
    clearTimeout(force);
  }
}

/** A running gateway. */
export interface GatewayProgram {
  readonly program: Program;
  readonly id: string;
  readonly port: number;
}

/** Starts a gateway on a free port; `flags` are added to those that it needs. */
export async function startGateway(
  t: TestContext,
  natsUrl: string,
  flags: readonly string[] = [],
): Promise<GatewayProgram> {
  const args = ['gateway', '--nats-url', natsUrl, '--port', '0', '--admin-port', '0', ...flags];
  const program = await Program.start(t, args);
  const ready = await program.line((line) => line.msg === 'ready');
  return { program, id: String(ready.id), port: Number(ready.port) };
}

/** How to start workers. */
export interface WorkerOptions {
  flags?: readonly string[];
  env?: Record<string, string>;
  nodeFlags?: readonly string[];
  /** Handler files; all of the test's handlers by default. */
  handlers?: readonly string[];
}

/** Starts a pool of one worker process; resolves when it serves and has reached the broker. */
export async function startWorker(
  t: TestContext,
  natsUrl: string,
  options: WorkerOptions = {},
): Promise<Program> {
  const { flags = [], env = {}, nodeFlags = [], handlers = [''] } = options;
  const paths = handlers.map((name) => handlerPath(name));
  const args = ['worker', ...paths, '--nats-url', natsUrl, ...flags];
  const program = await Program.start(t, args, { env, nodeFlags });
  await program.line((line) => line.service === 'worker' && line.msg === 'connected to the broker');
  return program;
}

/** Whether a process runs. One that has ended and that its new parent has not yet asked about does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, 'utf8'));
}
