import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { choice, integer, OptionsError, optionsHelp, readOptions, text, toggle } from '../../lib/options.ts';

const declaration = {
  port: integer({ min: 0, max: 65_535, default: 8080, help: 'TCP port.' }),
  maxBodyBytes: integer({ min: 1, max: 100, default: undefined, defaultText: 'no limit', help: 'Body.' }),
  name: text({
    schema: z.string().regex(/^[a-z-]+$/, 'must be lower case'),
    placeholder: 'name',
    default: 'me',
    help: 'Name.',
  }),
  natsUrl: text({
    schema: z.string().startsWith('nats://', 'must begin with nats://'),
    placeholder: 'url',
    default: 'nats://127.0.0.1',
    isSecret: true,
    help: 'Server.',
  }),
  level: choice({ values: ['low', 'high'], placeholder: 'level', default: 'low', help: 'Level.' }),
  watch: toggle({ default: true, help: 'Watch.' }),
};

const read = (args: string[], env: Record<string, string> = {}) => readOptions(declaration, args, env);

test('without flags and environment every setting has its default', () => {
  assert.deepEqual(read([]).values, {
    port: 8080,
    maxBodyBytes: undefined,
    name: 'me',
    natsUrl: 'nats://127.0.0.1',
    level: 'low',
    watch: true,
  });
});

test('types are inferred from the declaration', () => {
  const { port, maxBodyBytes, level, watch } = read([]).values;
  const typed: [number, number | undefined, 'low' | 'high', boolean] = [port, maxBodyBytes, level, watch];
  assert.equal(typed.length, 4);
});

test('a flag wins over the environment, the environment over the default', () => {
  assert.equal(read([], { MAX_BODY_BYTES: '7' }).values.maxBodyBytes, 7);
  assert.equal(read(['--max-body-bytes', '8'], { MAX_BODY_BYTES: '7' }).values.maxBodyBytes, 8);
  assert.equal(read(['--max-body-bytes=8'], { MAX_BODY_BYTES: 'wrong' }).values.maxBodyBytes, 8);
});

test('an empty environment value counts as unset', () => {
  assert.equal(read([], { PORT: '' }).values.port, 8080);
});

test('a switch is turned on and off by flag and environment', () => {
  assert.equal(read(['--no-watch']).values.watch, false);
  assert.equal(read(['--watch'], { WATCH: 'false' }).values.watch, true);
  assert.equal(read([], { WATCH: '0' }).values.watch, false);
  assert.equal(read([], { WATCH: 'on' }).values.watch, true);
});

test('what is no flag is positional, also after --', () => {
  assert.deepEqual(read(['a', '--port', '1', 'b', '--', '--c']).positionals, ['a', 'b', '--c']);
});

test('the last of two equal flags counts', () => {
  assert.equal(read(['--port', '1', '--port', '2']).values.port, 2);
});

const wrong: readonly [args: string[], env: Record<string, string>, message: string][] = [
  [['--port', '99999'], {}, '--port 99999 must be at most 65535'],
  [['--port=-1'], {}, '--port -1 must be at least 0'],
  [['--port', '-1'], {}, '--port -1 must be at least 0'],
  [['--port', '80x'], {}, '--port 80x must be a whole number, 0 to 65535'],
  [['--port', '0x50'], {}, '--port 0x50 must be a whole number, 0 to 65535'],
  [['--port', '1e3'], {}, '--port 1e3 must be a whole number, 0 to 65535'],
  [['--port', 'NaN'], {}, '--port NaN must be a whole number, 0 to 65535'],
  [['--port', '9'.repeat(16)], {}, `--port ${'9'.repeat(16)} must be a whole number, 0 to 65535`],
  [['--port', 'a\nb'], {}, '--port "a\\nb" must be a whole number, 0 to 65535'],
  [['--port', 'x'.repeat(500)], {}, `--port ${'x'.repeat(100)}... must be a whole number, 0 to 65535`],
  [['--port='], {}, '--port needs a value'],
  [['--port'], {}, '--port needs a value'],
  [['--port', '--name', 'x'], {}, '--port needs a value, got the option --name'],
  [[], { PORT: '99999' }, 'PORT=99999 must be at most 65535'],
  [[], { PORT: ' ' }, 'PORT=" " must be a whole number, 0 to 65535'],
  [[], { MAX_BODY_BYTES: '0' }, 'MAX_BODY_BYTES=0 must be at least 1'],
  [['--name', 'BIG'], {}, '--name BIG must be lower case'],
  [['--nats-url', 'http://user:secret@x'], {}, '--nats-url must begin with nats://'],
  [[], { NATS_URL: 'http://user:secret@x' }, 'NATS_URL must begin with nats://'],
  [['--level', 'middle'], {}, '--level middle must be one of low, high'],
  [['--watch=false'], {}, '--watch takes no value; use --watch or --no-watch'],
  [[], { WATCH: 'maybe' }, 'WATCH=maybe must be true or false'],
  [['--prot', '1'], {}, 'unknown option --prot, see --help'],
  [['--no-port'], {}, 'unknown option --no-port, see --help'],
  [['--maxBodyBytes', '1'], {}, 'unknown option --maxBodyBytes, see --help'],
  [['--__proto__', '1'], {}, 'unknown option --__proto__, see --help'],
  [['-p', '1'], {}, 'unknown option -p, see --help'],
];

for (const [args, env, message] of wrong) {
  test(`one line refuses ${JSON.stringify({ args, env }).slice(0, 80)}`, () => {
    assert.throws(() => read(args, env), new OptionsError(message));
  });
}

test('the help has flag, environment name, default and text of every setting', () => {
  const help = optionsHelp(declaration);
  for (const part of [
    '--max-body-bytes <number>',
    'MAX_BODY_BYTES',
    'default: no limit',
    'default: 8080',
    '--[no-]watch',
    'default: on',
    'TCP port.',
  ]) {
    assert.ok(help.includes(part), part);
  }
  assert.equal(help.trimEnd().split('\n').length, 2 * Object.keys(declaration).length);
});
