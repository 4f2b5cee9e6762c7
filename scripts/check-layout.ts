// Part of `npm run lint`: import rules and the length of files. The rules are in `layout.ts`.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { layoutProblems } from './layout.ts';

const SOURCES = ['*.ts', '*.mts', '*.js', '*.mjs', '*.cjs'];
// Files that are not added yet count too; ignored ones do not.
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...SOURCES], {
  encoding: 'utf8',
});
const paths = listed.split('\n').filter((path) => path !== '' && existsSync(path));
const problems = paths.flatMap((path) => layoutProblems(path, readFileSync(path, 'utf8')));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
