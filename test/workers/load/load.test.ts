import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { loadFunctions } from '../../../workers/load/load.ts';
import { loadFailure } from '../../../workers/load/load-module.ts';
import { recordingLog, silentLog } from '../../support/log.ts';

describe('loading functions', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'load-'));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  function write(name: string, text: string): string {
    const file = join(dir, name);
    writeFileSync(file, text);
    return file;
  }

  it('takes the modules of a folder and nothing else', async () => {
    write('hello.mjs', 'export default () => "hello";');
    write('add.ts', 'export default ({ a, b }: { a: number; b: number }) => a + b;');
    write('common.js', 'module.exports = { name: "from-common", run: () => 1 };');
    write('compiled.js', 'exports.__esModule = true; exports.default = () => 1;');
    write('_helper.mjs', 'throw new Error("loaded");');
    write('.hidden.mjs', 'throw new Error("loaded");');
    write('hello.test.mjs', 'throw new Error("loaded");');
    write('types.d.ts', 'export type A = 1;');
    write('readme.md', '# no');
    mkdirSync(join(dir, 'sub.js'));
    write('util.mjs', 'export const x = 1;');
    const { log, find } = recordingLog();
    const { functions, failed } = await loadFunctions([dir], { log });
    assert.deepEqual(failed, []);
    assert.deepEqual(
      functions.map((fn) => fn.name),
      ['add', 'from-common', 'compiled', 'hello'],
    );
    assert.equal(functions[3]?.file, join(dir, 'hello.mjs'));
    assert.equal(find('no default export')[0]?.file, join(dir, 'util.mjs'));
  });

  it('names what cannot be loaded and loads the others', async () => {
    write('good.mjs', 'export default () => 1;');
    write('syntax.mjs', 'const ok = 1;\nexport default ( => 1;');
    write('missing.mjs', 'import "./nowhere.mjs"; export default () => 1;');
    write('throws.mjs', 'throw new Error("no database");');
    write('invalid.mjs', 'export default { slots: "many", run() {} };');
    write('bad name.mjs', 'export default () => 1;');
    write('late.mjs', 'export default { name: "good", run: () => 2 };');
    const { functions, failed } = await loadFunctions([dir], { log: silentLog });
    assert.deepEqual(
      functions.map((fn) => fn.name),
      ['good'],
    );
    const reasons = new Map(failed.map(({ file, reason }) => [file.slice(dir.length + 1), reason]));
    assert.equal(reasons.size, 6);
    assert.match(reasons.get('syntax.mjs') ?? '', /^SyntaxError: Unexpected token/);
    assert.match(reasons.get('missing.mjs') ?? '', /Cannot find module .*nowhere\.mjs/);
    assert.equal(reasons.get('throws.mjs'), 'Error: no database');
    assert.equal(reasons.get('invalid.mjs'), 'slots: must be a whole number, 1 to 10000, got "many"');
    assert.match(reasons.get('bad name.mjs') ?? '', /^name: must be 1 to 64 of .*, got "bad name"$/);
    assert.equal(reasons.get('late.mjs'), `the name "good" is taken by ${join(dir, 'good.mjs')}`);
    for (const { reason } of failed) assert.doesNotMatch(reason, /\n/);
  });

  it('says so when a named file has no default export or is not there', async () => {
    const util = write('util.mjs', 'export const x = 1;');
    const gone = join(dir, 'gone.mjs');
    const { functions, failed } = await loadFunctions([util, gone], { log: silentLog });
    assert.deepEqual(functions, []);
    assert.deepEqual(failed, [
      { file: gone, reason: 'no such file or folder' },
      { file: util, reason: 'it has no default export' },
    ]);
  });

  it('loads a file once that is named and in a folder', async () => {
    const file = write('one.mjs', 'export default () => 1;');
    const { functions, failed } = await loadFunctions([dir, file], { log: silentLog });
    assert.equal(functions.length, 1);
    assert.deepEqual(failed, []);
  });

  it('calls a function by the name of a link, as mounted configuration has it', async () => {
    mkdirSync(join(dir, '..data'));
    write('..data/v2.mjs', 'export default () => 1;');
    symlinkSync(join(dir, '..data', 'v2.mjs'), join(dir, 'resize.mjs'));
    const { functions } = await loadFunctions([dir], { log: silentLog });
    assert.deepEqual(
      functions.map((fn) => fn.name),
      ['resize'],
    );
  });

  it('overrides slots and group of every definition', async () => {
    write('a.mjs', 'export default { slots: 2, group: "own", run() {} };');
    const { functions } = await loadFunctions([dir], { log: silentLog, slots: 5, group: 'blue' });
    assert.equal(functions[0]?.slots, 5);
    assert.equal(functions[0]?.group, 'blue');
  });

  it('tells how to run TypeScript where Node cannot', () => {
    const error = Object.assign(new TypeError('Unknown file extension'), {
      code: 'ERR_UNKNOWN_FILE_EXTENSION',
    });
    assert.match(
      loadFailure(error),
      /^Node \S+ cannot run TypeScript by itself: compile it .* "--import tsx"$/,
    );
  });
});
