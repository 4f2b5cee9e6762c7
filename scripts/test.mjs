// Runs the tests: all of them, or those below the folders and files named. Node 20 has no globs, hence the walk.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const flags = process.argv.slice(2).filter((argument) => argument.startsWith('-'));
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('-'));
const files = (named.length > 0 ? named : ['test']).flatMap(testFiles).sort();
if (files.length === 0) {
  console.error(`no test files in ${named.join(' ')}`);
  process.exit(2);
}
const run = spawnSync(
  process.execPath,
  ['--import', 'tsx', '--test', '--test-concurrency=2', ...flags, ...files],
  { stdio: 'inherit' },
);
process.exit(run.status ?? 1);

function testFiles(path) {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path).flatMap((name) => {
    const child = join(path, name);
    if (statSync(child).isDirectory()) return testFiles(child);
    return name.endsWith('.test.ts') ? [child] : [];
  });
}
