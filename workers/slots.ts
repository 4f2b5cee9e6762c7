/**
 * The slots of one function in this process. A slot is *free*, *reserved* while a pull is out for it, or *running*
 * a call. While the event loop lags or the worker drains, no slot counts as free: nothing could begin in time.
 */
export class Slots {
  readonly total: number;
  running = 0;
  reserved = 0;
  isClosed = false;

  constructor(total: number) {
    this.total = total;
  }

  get free(): number {
    return this.isClosed ? 0 : Math.max(0, this.total - this.running - this.reserved);
  }
}

/** Moving average of run times in milliseconds; 0 until the first is known. */
export class ServiceTime {
  #averageMs = 0;

  get averageMs(): number {
    return this.#averageMs;
  }

  add(ms: number): void {
    // A run time of 0 would read as unknown.
    const known = Math.max(ms, 0.05);
    this.#averageMs = this.#averageMs === 0 ? known : this.#averageMs + 0.2 * (known - this.#averageMs);
  }
}
