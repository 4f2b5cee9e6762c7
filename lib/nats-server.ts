import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type FindNatsServerOptions, findNatsServer } from './nats-server-binary.ts';

export { type FindNatsServerOptions, findNatsServer } from './nats-server-binary.ts';

/** What server to start. */
export interface NatsServerOptions extends FindNatsServerOptions {
  /** Free port by default. */
  port?: number | undefined;
  /** Lines of NATS configuration that are added to ours, and win over them. */
  config?: string | undefined;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A NATS server of ours; it listens on loopback only. */
export interface NatsServer {
  readonly url: string;
  readonly port: number;
  /** Where other servers of a cluster connect; undefined without a `cluster` in `config`. */
  readonly clusterPort: number | undefined;
  readonly pid: number;
  /** Resolves when the process has ended, by whatever. */
  readonly exited: Promise<Exit>;
  /** Sends a signal; does not wait. False when the process has gone. */
  kill(signal: NodeJS.Signals): boolean;
  /** Ends it (by force after 2 s) and removes what it left on disk. */
  stop(): Promise<void>;
}

type Ports = Pick<NatsServer, 'port' | 'clusterPort'>;

const READY_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 2000;

/**
 * Starts a NATS server and resolves when it takes connections. Throws an error with the server's last words
 * when it does not start. It is killed when this process exits.
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const bin = await findNatsServer(options);
  const folder = await mkdtemp(join(tmpdir(), 'nats-server-'));
  const file = join(folder, 'server.conf');
  await writeFile(file, configuration(options, folder));
  // A Ctrl-C reaches the whole process group: the server must outlive those who still drain.
  const child = spawn(bin, ['--config', file], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const lastWords = collectLog(child, options.log);
  const removeExitHook = killOnExit(child, folder);
  const exited = new Promise<Exit>((resolve) => {
    // Not `exit`: its last words are to be read first.
    child.once('close', (code, signal) => resolve({ code, signal }));
    child.once('error', () => resolve({ code: null, signal: null }));
  });
  const stop = async () => {
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(force);
    removeExitHook();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const ports = await readPorts(
      folder,
      () => child.exitCode === null && child.signalCode === null && child.pid !== undefined,
    );
    if (ports === undefined || child.pid === undefined) {
      await exited;
      throw new Error(`nats-server did not start: ${lastWords.at(-1) ?? 'it said nothing'}`);
    }
    const { pid } = child;
    const url = `nats://127.0.0.1:${ports.port}`;
    return { url, ...ports, pid, exited, kill: (signal) => child.kill(signal), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function configuration(options: NatsServerOptions, folder: string): string {
  return [
    'host: "127.0.0.1"',
    `port: ${options.port ?? -1}`,
    `ports_file_dir: ${JSON.stringify(folder)}`,
    'write_deadline: "2s"',
    'max_pending: 16MB',
    'lame_duck_duration: "30s"',
    options.config ?? '',
    '',
  ].join('\n');
}

/** The server writes its ports to a file when it listens: no port is chosen twice. Undefined when it ended. */
async function readPorts(folder: string, isAlive: () => boolean): Promise<Ports | undefined> {
  const giveUpAt = performance.now() + READY_LIMIT_MS;
  while (performance.now() < giveUpAt) {
    if (!isAlive()) return undefined;
    const name = (await readdir(folder).catch(() => [])).find((entry) => entry.endsWith('.ports'));
    const text = name === undefined ? '' : await readFile(join(folder, name), 'utf8').catch(() => '');
    const port = portOf(text, 'nats');
    if (port !== undefined && text.trimEnd().endsWith('}'))
      return { port, clusterPort: portOf(text, 'cluster') };
    await pause(10);
  }
  throw new Error(`nats-server was not ready within ${READY_LIMIT_MS} ms`);
}

/** The port of the first address of one kind in the server's file. */
function portOf(text: string, kind: 'nats' | 'cluster'): number | undefined {
  const port = new RegExp(`"${kind}":\\s*\\[\\s*"[^"]*:(\\d+)"`).exec(text)?.[1];
  return port === undefined ? undefined : Number(port);
}

/** Passes the server's log on at debug level; keeps the last lines. */
function collectLog(child: ChildProcess, log: Logger): string[] {
  const lines: string[] = [];
  if (child.stderr === null) return lines;
  child.once('error', (error) => lines.push(error.message));
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(line.replace(/^\[\d+\] \S+ \S+ /, ''));
    if (lines.length > 20) lines.shift();
    log.debug({ line }, 'nats-server');
  });
  return lines;
}

function killOnExit(child: ChildProcess, folder: string): () => void {
  const onExit = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', onExit);
  return () => process.off('exit', onExit);
}
