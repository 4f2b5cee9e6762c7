import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Screen } from '../../../cli/top/screen.ts';
import type { TextStream } from '../../../lib/text-stream.ts';

function screenOf(size: Pick<TextStream, 'isTTY' | 'columns' | 'rows'>) {
  const written: string[] = [];
  return { written, screen: new Screen({ ...size, write: (text) => written.push(text) }) };
}

test('at a terminal everything is drawn in the same place, on a page that is taken away at the end', () => {
  const { screen, written } = screenOf({ isTTY: true, columns: 5, rows: 24 });
  screen.start();
  screen.show(['123456', 'b']);
  screen.stop();
  assert.deepEqual(written, [
    '\x1b[?1049h\x1b[?25l',
    '\x1b[H12345\x1b[K\r\nb\x1b[K\x1b[J',
    '\x1b[?25h\x1b[?1049l',
  ]);
});

test('what does not fit is counted', () => {
  const { screen, written } = screenOf({ isTTY: true, columns: 80, rows: 4 });
  screen.show(['a', 'b', 'c']);
  screen.show(['a', 'b', 'c', 'd', 'e']);
  assert.deepEqual(written, [
    '\x1b[Ha\x1b[K\r\nb\x1b[K\r\nc\x1b[K\x1b[J',
    '\x1b[Ha\x1b[K\r\nb\x1b[K\r\n3 more lines\x1b[K\x1b[J',
  ]);
});

test('elsewhere it is one block after another', () => {
  const { screen, written } = screenOf({});
  screen.start();
  screen.show(['a', 'b']);
  screen.show(['c']);
  screen.stop();
  assert.deepEqual(written, ['a\nb\n\n', 'c\n\n']);
});
