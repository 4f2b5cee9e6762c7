import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('openapi.json of the build says what openapi.yaml says', () => {
  assert.deepEqual(JSON.parse(read('dist/openapi.json')), parse(read('openapi.yaml')));
});
