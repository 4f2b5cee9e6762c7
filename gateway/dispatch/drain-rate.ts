const MARKS = 9;
const MIN_SPAN_MS = 30;

/**
 * How fast a queue has been getting shorter: what was taken less what came, over the last eight steps. What was
 * given up does not count, since it says nothing about who can still be served.
 */
export class DrainRate {
  readonly #marks: { at: number; backlog: number }[] = [];
  #backlog = 0;

  /** `change` is +1 for an item that came, -1 for one that was taken to be served. */
  count(change: 1 | -1, now: number, stepMs: number): void {
    this.#backlog += change;
    const last = this.#marks.at(-1);
    if (last !== undefined && now - last.at < stepMs) return;
    this.#marks.push({ at: now, backlog: this.#backlog });
    if (this.#marks.length > MARKS) this.#marks.shift();
  }

  /** Items per millisecond, negative while the queue grows; undefined while too little was seen. */
  at(now: number): number | undefined {
    const [first] = this.#marks;
    if (first === undefined || now - first.at < MIN_SPAN_MS) return undefined;
    return (first.backlog - this.#backlog) / (now - first.at);
  }

  reset(): void {
    this.#marks.length = 0;
    this.#backlog = 0;
  }
}
