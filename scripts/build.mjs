// Builds dist/: the compiled program with its executable bit, and openapi.yaml as JSON. What runs from the old one is
// disturbed for a moment only.
import { execFileSync } from 'node:child_process';
import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const next = `dist.${process.pid}`;
const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
try {
  const tsc = join(dirname(typescript), 'bin/tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], { stdio: 'inherit' });
  chmodSync(join(next, 'cli/main.js'), 0o755);
  // While there is no openapi.json, this module makes the JSON from the YAML.
  const { openapiDocument } = await import(pathToFileURL(resolve(next, 'gateway/openapi.js')).href);
  writeFileSync(join(next, 'openapi.json'), openapiDocument().json);
  rmSync('dist', { recursive: true, force: true });
  renameSync(next, 'dist');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(next, { recursive: true, force: true });
}
