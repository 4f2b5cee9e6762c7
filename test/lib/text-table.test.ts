import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableLines } from '../../lib/text-table.ts';

test('columns are as wide as their widest cell, text to the left and numbers to the right', () => {
  const rows = [
    ['name', 'count'],
    ['a', '7', 'a note'],
    ['longer', '12345678'],
  ];
  assert.deepEqual(
    tableLines(rows, (column) => column !== 1),
    ['name       count', 'a              7  a note', 'longer  12345678'],
  );
});

test('no rows are no lines', () => {
  assert.deepEqual(
    tableLines([], () => true),
    [],
  );
});
