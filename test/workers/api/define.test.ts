import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { describe, it } from 'node:test';
import { z } from 'zod';
import { defineFunction, readDefinition } from '../../../workers/api/define.ts';
import { FunctionError, isFunctionError } from '../../../workers/api/errors.ts';
import { isReply, reply } from '../../../workers/api/reply.ts';

describe('a definition', () => {
  it('is a bare handler named by its file, with 16 slots', () => {
    const handler = () => 1;
    const fn = readDefinition(handler, { name: 'add' });
    assert.equal(fn.name, 'add');
    assert.equal(fn.slots, 16);
    assert.equal(fn.threads, false);
    assert.equal(fn.group, undefined);
    assert.equal(fn.handler, handler);
  });

  it('is an object whose own name wins, and publishes its schemas as JSON Schema', () => {
    const fn = readDefinition(
      defineFunction({
        name: 'sum',
        description: 'adds numbers',
        input: z.object({ numbers: z.array(z.number()), at: z.date().optional() }),
        output: z.object({ sum: z.number() }),
        slots: 3,
        group: 'fast',
        run: ({ numbers }) => ({ sum: numbers.reduce((a, b) => a + b, 0) }),
      }),
      { name: 'file-name' },
    );
    assert.equal(fn.name, 'sum');
    assert.equal(fn.description, 'adds numbers');
    assert.equal(fn.slots, 3);
    assert.equal(fn.group, 'fast');
    assert.deepEqual(Reflect.get(fn.inputSchema ?? {}, 'required'), ['numbers']);
    assert.deepEqual(Reflect.get(fn.outputSchema ?? {}, 'properties'), { sum: { type: 'number' } });
  });

  it('keeps `this` for a run that uses it', () => {
    const fn = readDefinition({
      name: 'counter',
      run() {
        return this === undefined ? 'lost' : 'kept';
      },
    });
    assert.equal(Reflect.apply(fn.handler, undefined, []), 'kept');
  });

  it('lets the place override slots and group', () => {
    const definition = { name: 'a', slots: 3, group: 'x', run: () => 1 };
    const fn = readDefinition(definition, { slots: 7, group: 'y' });
    assert.equal(fn.slots, 7);
    assert.equal(fn.group, 'y');
  });

  it('has as many slots as processors when it runs in threads', () => {
    const definition = { name: 'a', threads: true, run: () => 1 };
    assert.equal(readDefinition(definition, { file: '/a.mjs' }).slots, availableParallelism());
    assert.equal(readDefinition({ ...definition, slots: 2 }, { file: '/a.mjs' }).slots, 2);
    assert.throws(() => readDefinition(definition), /threads: .* must come from a file/);
  });

  const run = () => 1;
  const refused: [what: string, exported: unknown, message: RegExp][] = [
    ['text', 'hello', /must be a function or an object with "run", got "hello"/],
    ['null', null, /must be a function or an object with "run", got object/],
    ['no run', { name: 'a' }, /^run: must be a function, got undefined$/],
    ['a name with a dot', { name: 'a.b', run }, /^name: must be 1 to 64 of .*, got "a\.b"$/],
    ['a name of 65 characters', { name: 'x'.repeat(65), run }, /^name: must be 1 to 64 of/],
    ['an unknown field', { name: 'a', slot: 4, run }, /unknown field "slot"; allowed are name, .*slots/],
    ['no slots', { name: 'a', slots: 0, run }, /^slots: must be a whole number, 1 to 10000, got 0$/],
    ['half a slot', { name: 'a', slots: 1.5, run }, /^slots: must be a whole number, 1 to 10000, got 1.5$/],
    ['a group with a dot', { name: 'a', group: 'a.b', run }, /^group: must be 1 to 128 of/],
    [
      'threads that are no boolean',
      { name: 'a', threads: 4, run },
      /^threads: must be true or false, got 4$/,
    ],
    [
      'a schema that is none',
      { name: 'a', input: { type: 'object' }, run },
      /^input: must be a zod 4 schema/,
    ],
  ];
  for (const [what, exported, message] of refused) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => readDefinition(exported), { name: 'TypeError', message });
    });
  }

  it('is refused when its file name is no function name', () => {
    assert.throws(
      () => readDefinition(run, { name: 'my function' }),
      /^TypeError: name: must be .*"my function"$/,
    );
  });
});

describe('reply and FunctionError', () => {
  it('are known across copies of the package', () => {
    const copy = { status: 201, [Symbol.for('now-or-never.reply')]: true };
    assert.ok(isReply(reply({ body: 1 })));
    assert.ok(isReply(copy));
    assert.ok(!isReply({ body: 1 }));
    const error = Object.assign(new Error('no'), {
      status: 409,
      [Symbol.for('now-or-never.FunctionError')]: true,
    });
    assert.ok(isFunctionError(error));
    assert.ok(isFunctionError(new FunctionError(409, 'no')));
    assert.ok(!isFunctionError(new Error('no')));
  });

  it('refuse a status that is no error', () => {
    for (const status of [200, 399, 600, 409.5, Number.NaN]) {
      assert.throws(() => new FunctionError(status, 'no'), /must be a whole number, 400 to 599/);
    }
  });
});
