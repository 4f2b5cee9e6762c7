import type { TextStream } from '../../lib/text-stream.ts';

const REDRAW_EVERY_MS = 500;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Tells what a long program does: at a terminal one line that is drawn again and again, with the time left; elsewhere
 * a line for each step.
 */
export class ProgressLine {
  readonly #stream: TextStream;
  #doing = '';
  #leftUntil = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: TextStream) {
    this.#stream = stream;
  }

  /** Something else is being done now; all that is left takes about `leftMs`. */
  show(doing: string, leftMs: number): void {
    const isNew = doing !== this.#doing;
    this.#doing = doing;
    this.#leftUntil = performance.now() + leftMs;
    if (this.#stream.isTTY !== true) {
      if (isNew) this.#stream.write(`${this.#text()}\n`);
      return;
    }
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_EVERY_MS);
    this.#draw();
  }

  /** Tells no more, and takes the line that was redrawn away. */
  stop(): void {
    clearInterval(this.#timer);
    if (this.#timer !== undefined) this.#stream.write(CLEAR_LINE);
    this.#timer = undefined;
  }

  #text(): string {
    const leftS = Math.max(0, Math.ceil((this.#leftUntil - performance.now()) / 1000));
    const left = leftS < 60 ? `${leftS} s` : `${Math.floor(leftS / 60)} min ${leftS % 60} s`;
    return `${this.#doing}, about ${left} left`;
  }

  #draw(): void {
    // A terminal of unknown width says 0.
    const width = (this.#stream.columns || DEFAULT_COLUMNS) - 1;
    this.#stream.write(`${CLEAR_LINE}${this.#text().slice(0, width)}`);
  }
}
