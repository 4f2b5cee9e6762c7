import type { TextStream } from '../lib/text-stream.ts';
import type { Load } from './load.ts';
import { progressText, Rate } from './progress-text.ts';

const REDRAW_EVERY_MS = 250;
const LINE_EVERY_MS = 5000;
const RATE_WINDOW_MS = 2000;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\x1b[2K';

/**
 * Tells how a load goes: at a terminal one line that is drawn again and again, elsewhere a line every 5 seconds.
 * Other lines go through `say`, so that they do not end up inside the one that is redrawn.
 */
export class Reporter {
  readonly #load: Load;
  readonly #stream: TextStream;
  readonly #rate: Rate;
  #timer: NodeJS.Timeout | undefined;

  constructor(load: Load, stream: TextStream) {
    this.#load = load;
    this.#stream = stream;
    this.#rate = new Rate(stream.isTTY === true ? RATE_WINDOW_MS : LINE_EVERY_MS);
  }

  start(): void {
    const everyMs = this.#stream.isTTY === true ? REDRAW_EVERY_MS : LINE_EVERY_MS;
    this.#timer = setInterval(() => this.#tell(), everyMs);
  }

  /** Writes a line. */
  say(line: string): void {
    this.#clear();
    this.#stream.write(`${line}\n`);
  }

  /** Tells no more, and takes the line that was redrawn away. */
  stop(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #tell(): void {
    const progress = this.#load.progress();
    const text = progressText(progress, this.#rate.perSecond(progress.elapsedMs, progress.results));
    if (this.#stream.isTTY !== true) return this.say(text);
    // A terminal of unknown width says 0.
    const width = (this.#stream.columns || DEFAULT_COLUMNS) - 1;
    this.#stream.write(`${CLEAR_LINE}${text.slice(0, width)}`);
  }

  #clear(): void {
    if (this.#stream.isTTY === true) this.#stream.write(CLEAR_LINE);
  }
}
