import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MissingProgram } from '../../../harness/proxies/proxy.ts';

const FOLDER = fileURLToPath(new URL('../peers/', import.meta.url));
const INSTALL_LIMIT_MS = 300_000;

let installed: Promise<void> | undefined;

/**
 * Installs what `peers/package-lock.json` names into that folder, once; nothing of it belongs to the product. Resolves
 * to the versions of the packages asked for; rejects with a `MissingProgram` when npm cannot install.
 */
export async function installPeers(packages: readonly string[]): Promise<Record<string, string>> {
  installed ??= isInstalled() ? Promise.resolve() : install();
  await installed;
  const versions = packages.map(async (name) => [name, await versionOf(name)] as const);
  return Object.fromEntries(await Promise.all(versions));
}

/** npm writes its hidden lock file last. */
function isInstalled(): boolean {
  const at = (path: string) => statSync(`${FOLDER}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return at('node_modules/.package-lock.json') > at('package-lock.json');
}

async function install(): Promise<void> {
  console.log('npm ci in experiments/bench/throughput/peers');
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await promisify(execFile)('npm', args, { cwd: FOLDER, timeout: INSTALL_LIMIT_MS });
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n').slice(0, 2).join(' ') : String(error);
    throw new MissingProgram(`its packages cannot be installed: ${reason}`);
  }
}

async function versionOf(name: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(`${FOLDER}node_modules/${name}/package.json`, 'utf8'));
  const version =
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined;
  return String(version);
}
