import type { TextStream } from '../../lib/text-stream.ts';

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_REST_OF_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/**
 * Shows lines that change: at a terminal always in the same place, on a page of their own that is taken away at the
 * end; elsewhere one block after another, with an empty line between.
 */
export class Screen {
  readonly #stream: TextStream;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  start(): void {
    if (this.#stream.isTTY === true) this.#stream.write(ENTER);
  }

  stop(): void {
    if (this.#stream.isTTY === true) this.#stream.write(LEAVE);
  }

  show(lines: readonly string[]): void {
    const { isTTY, columns, rows } = this.#stream;
    if (isTTY !== true) {
      this.#stream.write(`${lines.join('\n')}\n\n`);
      return;
    }
    // A terminal of unknown size says 0.
    const width = columns || DEFAULT_COLUMNS;
    const height = (rows || DEFAULT_ROWS) - 1;
    const cut = lines.length - height;
    const shown = cut > 0 ? [...lines.slice(0, height - 1), `${cut + 1} more lines`] : lines;
    const drawn = shown.map((line) => `${line.slice(0, width)}${CLEAR_REST_OF_LINE}`).join('\r\n');
    this.#stream.write(`${HOME}${drawn}${CLEAR_BELOW}`);
  }
}
