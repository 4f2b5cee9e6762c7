// Builds dist/: the compiled program with its executable bit. What runs from the old one is disturbed for a moment only.
import { execFileSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const next = `dist.${process.pid}`;
const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
try {
  const tsc = join(dirname(typescript), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], { stdio: 'inherit' });
  chmodSync(join(next, 'cli/main.js'), 0o755);
  rmSync('dist', { recursive: true, force: true });
  renameSync(next, 'dist');
} catch {
  process.exitCode = 1;
} finally {
  rmSync(next, { recursive: true, force: true });
}
