import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { codes } from '../../protocol/codes.ts';
import { forwardedRequestHeaders, header } from '../../protocol/headers.ts';
import { replyCodeSchema, signalSchema } from '../../protocol/reply.ts';
import { Subjects } from '../../protocol/subjects.ts';

// What is shown to users is what happens: a `sh` block of README.md with an `http` block right behind it is run
// and answered, a `js` block that begins with `// functions/<file>` is served.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'dist/cli/main.js');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith('.md'),
);
const SHOWN_BASE_URL = 'http://127.0.0.1:8080';
const run = promisify(execFile);

test('each curl of the README gets the answer that the README shows', { timeout: 120_000 }, async (t) => {
  const shown = shownCalls();
  assert.ok(shown.length >= 5, `found ${shown.length} calls`);
  const folder = await folderOfUser(t);
  const baseUrl = await startDev(t, ['examples', join(folder, 'functions')]);
  for (const { command, answer } of shown) {
    await t.test(command.slice(0, 200), async () => {
      const { stdout } = await run('sh', ['-c', command.replaceAll(SHOWN_BASE_URL, baseUrl)], {
        cwd: folder,
        timeout: 20_000,
      });
      compare(readAnswer(stdout), readAnswer(answer));
    });
  }
  const image = await readFile(join(folder, 'thumbnail.jpg'));
  assert.equal(image.subarray(0, 3).toString('hex'), 'ffd8ff', 'thumbnail.jpg is a JPEG');
});

test('the table of settings in the README says what --help says', async () => {
  const table = await settingsTable();
  assert.ok(README.includes(`\n${table}\n`), `it must read:\n${table}`);
});

test('every relative link of the documents leads somewhere', () => {
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#', 2);
      const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
      assert.ok(existsSync(file), `${page} links to ${target}`);
      if (anchor === undefined) continue;
      assert.ok(anchors(readFileSync(file, 'utf8')).includes(anchor), `${page} links to ${target}`);
    }
  }
});

test('every npm script that the documents name is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g)) {
      assert.ok(Object.hasOwn(scripts, name), `${page} names ${name}`);
    }
  }
});

test('docs/protocol.md names every header, signal, code and subject of the wire', () => {
  const text = readFileSync(join(ROOT, 'docs/protocol.md'), 'utf8');
  const s = new Subjects('P');
  const names = [
    ...Object.values(header),
    ...Object.values(forwardedRequestHeaders),
    ...signalSchema.options,
    ...replyCodeSchema.options,
    ...Object.keys(codes),
    s.call('<fn>'),
    s.work('<worker>', '<fn>'),
    `${s.replies('<gateway>')}.<token>`,
    `${s.replies('<worker>')}.<token>`,
    s.hello(),
    s.state('<worker>'),
    s.demand('<fn>', '<group>'),
    s.pull('<fn>', '<group>'),
    s.pullFrom('<gateway>'),
    s.cancel('<worker>'),
  ];
  const missing = names.filter((name) => !text.includes(`\`${name}\``) && !text.includes(`\`${name}:`));
  assert.deepEqual(missing, []);
});

interface Block {
  readonly language: string;
  readonly text: string;
  /** Nothing but white space lies between this block and the next. */
  readonly next: Block | undefined;
}

function blocks(text: string): Block[] {
  const found = [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$(\s*(?=^```))?/gm)];
  const list: Block[] = [];
  for (const [, language = '', body = '', glue] of found.toReversed()) {
    list.unshift({ language, text: body, next: glue === undefined ? undefined : list[0] });
  }
  return list;
}

function shownCalls(): { command: string; answer: string }[] {
  return blocks(README).flatMap(({ language, text, next }) =>
    language === 'sh' && next?.language === 'http' ? [{ command: text.trim(), answer: next.text }] : [],
  );
}

/** A folder as a reader of the README has it: the examples, and the functions that it shows. */
async function folderOfUser(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'readme-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'functions'));
  await mkdir(join(folder, 'node_modules'));
  await symlink(ROOT, join(folder, 'node_modules/now-or-never'));
  await symlink(join(ROOT, 'node_modules/zod'), join(folder, 'node_modules/zod'));
  await symlink(join(ROOT, 'examples'), join(folder, 'examples'));
  for (const { language, text } of blocks(README)) {
    const file = /^\/\/ (functions\/[\w-]+\.mjs)\n/.exec(text)?.[1];
    if (language === 'js' && file !== undefined) await writeFile(join(folder, file), text);
  }
  return folder;
}

/** Runs the built program on free ports until the test ends; resolves with its address. */
async function startDev(t: TestContext, paths: readonly string[]): Promise<string> {
  const { PATH, HOME, NATS_SERVER_BIN } = process.env;
  const flags = ['--port', '0', '--admin-port', '0', '--no-watch', '--processes', '1'];
  const dev = spawn(process.execPath, [MAIN, 'dev', ...paths, ...flags], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, HOME, ...(NATS_SERVER_BIN === undefined ? {} : { NATS_SERVER_BIN }) },
  });
  const ended = once(dev, 'close');
  t.after(async () => {
    dev.kill('SIGINT');
    await ended;
  });
  let said = '';
  return await new Promise((resolve, reject) => {
    const look = (text: Buffer) => {
      said += text.toString();
      const address = /^(http:\S+) is ready/m.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    };
    dev.stdout.on('data', look);
    dev.stderr.on('data', look);
    void ended.then(() => reject(new Error(`dev ended: ${said}`)));
  });
}

interface ShownAnswer {
  readonly status: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function readAnswer(text: string): ShownAnswer {
  // Some versions of curl ask for 100 Continue first, and show it.
  const final = text.replaceAll('\r\n', '\n').replace(/^HTTP\/1\.1 100 [^\n]*\n\n/, '');
  const end = `${final}\n\n`.indexOf('\n\n');
  const [status = '', ...lines] = final.slice(0, end).trim().split('\n');
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status, headers: new Map(headers), body: final.slice(end).trim() };
}

/** Headers whose value differs from call to call, and what it looks like. */
const CHANGING: Readonly<Record<string, RegExp>> = {
  'x-request-id': /^[\w-]{16}$/,
  'x-worker': /^w-[\w-]{16}$/,
  'server-timing': /^queue;dur=[\d.]+, work;dur=[\d.]+, nats;dur=[\d.]+$/,
};

function compare(real: ShownAnswer, shown: ShownAnswer): void {
  assert.equal(real.status, shown.status);
  for (const [name, value] of shown.headers) {
    const form = CHANGING[name];
    if (form === undefined) assert.equal(real.headers.get(name), value, name);
    else for (const answer of [real, shown]) assert.match(answer.headers.get(name) ?? '', form, name);
  }
  const isJson = /json/.test(shown.headers.get('content-type') ?? '');
  if (isJson) assert.deepEqual(stable(real.body), stable(shown.body));
  else assert.equal(real.body, shown.body);
}

/** JSON without what differs from call to call. */
function stable(json: string): unknown {
  return JSON.parse(json, (key, value) =>
    key === 'requestId' || key === 'elapsedMs' ? `a ${typeof value}` : value,
  );
}

/** One row for each setting that is described alike, with the commands that have it. */
async function settingsTable(): Promise<string> {
  const rows = new Map<string, string[]>();
  for (const command of ['gateway', 'worker', 'dev']) {
    const { stdout } = await run(process.execPath, [MAIN, command, '--help']);
    for (const [, flag, name, fallback, help] of stdout.matchAll(
      /^ {2}(--.*?) {2,}([A-Z_]+) +default: (.*)\n {6}(.*)$/gm,
    )) {
      const row = `| \`${flag}\` | \`${name}\` | ${fallback} | ${help} |`;
      rows.set(row, [...(rows.get(row) ?? []), command]);
    }
  }
  return [
    '| flag | environment | default | what it does | commands |',
    '|---|---|---|---|---|',
    ...[...rows].map(([row, commands]) => `${row} ${commands.join(', ')} |`),
  ].join('\n');
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchors(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
