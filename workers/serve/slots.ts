import type { Phase } from './phase.ts';

/**
 * The slots of one function in this process. A slot is *free*, *reserved* while a pull is out for it, or *running* a
 * call. Only while the worker serves does a slot count as free: otherwise nothing that is sent to it would begin.
 */
export class Slots {
  readonly total: number;
  readonly #phase: Phase;
  #running = 0;
  #reserved = 0;

  constructor(total: number, phase: Phase) {
    this.total = total;
    this.#phase = phase;
  }

  get running(): number {
    return this.#running;
  }

  get reserved(): number {
    return this.#reserved;
  }

  /** Slots that gateways may count on. */
  get free(): number {
    return this.#phase.current === 'serving' ? Math.max(0, this.total - this.#running - this.#reserved) : 0;
  }

  /** Whether a call that is here may begin. What a leaving worker has reserved is not waited for. */
  get canBegin(): boolean {
    return this.#phase.isLeaving ? this.#running < this.total : this.free > 0;
  }

  /** A call began. */
  began(): void {
    if (!this.canBegin) throw new Error('no slot can begin a call');
    this.#running++;
  }

  /** A call ended. */
  ended(): void {
    if (this.#running === 0) throw new Error('no call runs');
    this.#running--;
  }

  /** A pull is out for a slot. */
  reserve(): void {
    if (this.free === 0) throw new Error('no slot is free');
    this.#reserved++;
  }

  /** The pull is answered or given up. */
  release(): void {
    if (this.#reserved === 0) throw new Error('no slot is reserved');
    this.#reserved--;
  }
}
