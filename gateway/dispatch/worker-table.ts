import { PREFETCH_BELOW_MS } from '../../protocol/call.ts';
import type { WorkerReport } from '../../protocol/reply.ts';
import type { State } from '../../protocol/state.ts';
import { RunTime } from './run-time.ts';

/**
 * What this gateway believes of the workers: who lives, which slots are free, how fast each is.
 *
 * A worker is *heard* by every message it sends. It is *live* while it was heard within the last 1.5 s, is not
 * leaving, and did not stay silent when probed; only live workers are given calls. It stays in the table,
 * silent or not, until the broker says that nobody subscribes to its private subject, or until it says bye.
 * Belief may be wrong: a worker that has no slot after all answers `busy`, and nothing is lost.
 */

/** One function of one worker, as believed here. `H` is what the gateway sent it and has no answer for. */
export interface Seat<H> {
  readonly worker: WorkerView<H>;
  readonly fn: string;
  readonly group: string;
  slots: number;
  /** As last told, less what was sent since. */
  free: number;
  /** As last told in its state; 0 before. */
  running: number;
  /** Calls that wait in the worker, as last told; 0 before. */
  buffered: number;
  /** Moving average of one call's run time; 0 = not known. */
  serviceMs: number;
  /** As seen in the replies to calls of this gateway. */
  readonly runTime: RunTime;
  readonly held: Set<H>;
}

export interface WorkerView<H> {
  readonly id: string;
  /** Monotonic milliseconds. */
  heardAt: number;
  probedAt: number;
  isLeaving: boolean;
  /** Silent when probed: it has interest but does not answer. */
  isFrozen: boolean;
  /** By function name. */
  readonly seats: Map<string, Seat<H>>;
}

/** Three missed state messages: not believed free any more. */
export const UNHEARD_MS = 1500;

export class Belief<H> {
  readonly #workers = new Map<string, WorkerView<H>>();
  readonly #byFunction = new Map<string, Map<string, Set<Seat<H>>>>();

  /** All workers in the table, silent ones included. */
  workers(): IterableIterator<WorkerView<H>> {
    return this.#workers.values();
  }

  /** Groups of a function that have a worker in the table. */
  groups(fn: string): string[] {
    return [...(this.#byFunction.get(fn)?.keys() ?? [])];
  }

  seats(fn: string, group: string): ReadonlySet<Seat<H>> {
    return this.#byFunction.get(fn)?.get(group) ?? new Set();
  }

  /** Takes a worker's state message as the truth about it. */
  learn(id: string, state: State, now: number): void {
    const worker = this.#heard(id, now);
    worker.isLeaving = state.draining === true;
    for (const [fn, told] of Object.entries(state.functions)) {
      const seat = this.#seat(worker, fn, told.group, told.slots);
      seat.slots = told.slots;
      seat.free = told.free;
      seat.running = told.running;
      seat.buffered = told.buffered;
      seat.serviceMs = told.serviceMs;
    }
  }

  /**
   * Learns from the report in a reply; the seat it concerns, if it is known. A reply alone makes no worker known:
   * only one that tells its state or pulls has a private subject for certain.
   */
  learnReply(fn: string, report: WorkerReport, now: number): Seat<H> | undefined {
    const worker = report.worker === undefined ? undefined : this.#workers.get(report.worker);
    const seat = worker?.seats.get(fn);
    if (worker === undefined || seat === undefined) return undefined;
    this.#heard(worker.id, now);
    if (report.free !== undefined) seat.free = report.free;
    if (report.serviceMs !== undefined) seat.serviceMs = report.serviceMs;
    if (report.workMs !== undefined) seat.runTime.add(report.workMs);
    return seat;
  }

  /** The seat of a worker that asks for work. */
  seatOfPull(id: string, fn: string, group: string, now: number): Seat<H> {
    return this.#seat(this.#heard(id, now), fn, group, 1);
  }

  /** The live worker with a free slot that should be done first; undefined when there is none. */
  pick(fn: string, group: string, now: number): Seat<H> | undefined {
    const seats = this.seats(fn, group);
    return (
      this.#best(seats, (seat) => isLive(seat.worker, now) && freeSlots(seat) > 0) ??
      this.#best(seats, (seat) => this.canPrefetch(seat, now))
    );
  }

  /** What a call must have left to be done in time by the quickest live worker, in milliseconds; 0 = not known. */
  neededMs(fn: string, group: string, now: number): number {
    let leastMs = Number.POSITIVE_INFINITY;
    for (const { worker, runTime } of this.seats(fn, group)) {
      if (isLive(worker, now)) leastMs = Math.min(leastMs, runTime.neededMs);
    }
    return Number.isFinite(leastMs) ? leastMs : 0;
  }

  /** Whether a call may be sent although every slot is taken, so that it is there when one frees. */
  canPrefetch(seat: Seat<H>, now: number): boolean {
    const { serviceMs, held, slots, worker } = seat;
    const isQuick = serviceMs > 0 && serviceMs < PREFETCH_BELOW_MS;
    return isQuick && held.size >= slots && held.size < 2 * slots && isLive(worker, now);
  }

  /** Least expected time until it would be done. A worker whose speed is unknown counts as an average one. */
  #best(seats: ReadonlySet<Seat<H>>, isEligible: (seat: Seat<H>) => boolean): Seat<H> | undefined {
    let known = 0;
    let sumMs = 0;
    for (const { serviceMs } of seats) {
      if (serviceMs === 0) continue;
      known++;
      sumMs += serviceMs;
    }
    const averageMs = known === 0 ? 1 : sumMs / known;
    let best: Seat<H> | undefined;
    let bestScore = Number.POSITIVE_INFINITY;
    for (const seat of seats) {
      if (!isEligible(seat)) continue;
      const score = (seat.held.size + 1) * (seat.serviceMs || averageMs);
      if (score < bestScore) {
        best = seat;
        bestScore = score;
      }
    }
    return best;
  }

  /** A call was sent: one slot less is believed free. */
  hold(seat: Seat<H>, call: H): void {
    seat.held.add(call);
    seat.free = Math.max(0, seat.free - 1);
  }

  /** A call was answered or given up. What is free is not guessed: the worker tells. */
  release(seat: Seat<H>, call: H): void {
    seat.held.delete(call);
  }

  /** A call for it found nobody: it gets no more, and counts as silent unless it is known to be leaving. */
  suspect(worker: WorkerView<H>): void {
    if (!worker.isLeaving) worker.heardAt = Number.NEGATIVE_INFINITY;
    worker.isLeaving = true;
  }

  /** Removes a worker from the table and returns its seats; what it holds stays with them. */
  forget(id: string): Seat<H>[] {
    const worker = this.#workers.get(id);
    if (worker === undefined) return [];
    this.#workers.delete(id);
    for (const seat of worker.seats.values()) {
      const groups = this.#byFunction.get(seat.fn);
      const seats = groups?.get(seat.group);
      seats?.delete(seat);
      if (seats?.size === 0) groups?.delete(seat.group);
      if (groups?.size === 0) this.#byFunction.delete(seat.fn);
    }
    return [...worker.seats.values()];
  }

  #heard(id: string, now: number): WorkerView<H> {
    let worker = this.#workers.get(id);
    if (worker === undefined) {
      worker = { id, heardAt: now, probedAt: now, isLeaving: false, isFrozen: false, seats: new Map() };
      this.#workers.set(id, worker);
    }
    worker.heardAt = now;
    worker.isFrozen = false;
    return worker;
  }

  #seat(worker: WorkerView<H>, fn: string, group: string, slots: number): Seat<H> {
    const known = worker.seats.get(fn);
    if (known !== undefined && known.group === group) return known;
    const seat: Seat<H> = {
      worker,
      fn,
      group,
      slots,
      free: 0,
      running: 0,
      buffered: 0,
      serviceMs: 0,
      runTime: new RunTime(),
      held: new Set(),
    };
    worker.seats.set(fn, seat);
    const groups = this.#byFunction.get(fn) ?? new Map<string, Set<Seat<H>>>();
    this.#byFunction.set(fn, groups);
    const seats = groups.get(group) ?? new Set<Seat<H>>();
    groups.set(group, seats);
    if (known !== undefined) {
      const left = groups.get(known.group);
      left?.delete(known);
      if (left?.size === 0) groups.delete(known.group);
    }
    seats.add(seat);
    return seat;
  }
}

/** Told free, and not more than this gateway's own unanswered calls leave. */
function freeSlots<H>(seat: Seat<H>): number {
  return Math.min(seat.free, seat.slots - seat.held.size);
}

function isLive<H>(worker: WorkerView<H>, now: number): boolean {
  return !worker.isLeaving && !isSilent(worker, now);
}

/** Whether nothing was heard of a worker for 1.5 s, or it did not answer when it was probed. */
export function isSilent<H>(worker: WorkerView<H>, now: number): boolean {
  return worker.isFrozen || now - worker.heardAt > UNHEARD_MS;
}
