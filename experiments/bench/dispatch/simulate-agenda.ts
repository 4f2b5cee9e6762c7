/** Something that happens at a moment of simulated time. */
export interface Appointment {
  readonly at: number;
  readonly run: () => void;
}

/** What is still to happen, in order of time; of two at one moment, the one added first. A binary heap. */
export class Agenda {
  readonly #heap: (Appointment & { readonly order: number })[] = [];
  #added = 0;

  add(at: number, run: () => void): void {
    const item = { at, run, order: this.#added++ };
    let index = this.#heap.length;
    this.#heap.push(item);
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(index, parent)) return;
      this.#swap(index, parent);
      index = parent;
    }
  }

  /** Takes out the earliest; undefined when nothing is left. */
  next(): Appointment | undefined {
    const [first] = this.#heap;
    const last = this.#heap.pop();
    if (this.#heap.length === 0 || last === undefined) return first;
    this.#heap[0] = last;
    for (let index = 0; ; ) {
      const [left, right] = [2 * index + 1, 2 * index + 2];
      const child = this.#before(right, left) ? right : left;
      if (!this.#before(child, index)) return first;
      this.#swap(index, child);
      index = child;
    }
  }

  /** Whether the first of two places comes before the second; a place beyond the end comes before nothing. */
  #before(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined) return false;
    return y === undefined || x.at < y.at || (x.at === y.at && x.order < y.order);
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]];
    if (x === undefined || y === undefined) return;
    this.#heap[a] = y;
    this.#heap[b] = x;
  }
}
