import type { WorkerReport } from '../../protocol/reply.ts';
import type { FunctionState } from '../../protocol/state.ts';
import { RunTime } from './run-time.ts';

/**
 * What this gateway knows of one worker: whether it lives, which slots are free, how fast it is. It changes by methods
 * alone, which are named as the events.
 *
 *        ┌──────────────── heard ─────────────────┐
 *        ▼                │                       │
 *      live ── 1.5 s ─► unheard ── no answer ─► frozen      A worker that holds calls is probed after 750 ms already,
 *        │   of silence                           ▲         so it can become frozen without being unheard first.
 *        └────────────── no answer ───────────────┘
 *
 *      any ── `draining` ──────────────► leaving            Kept beside the above: one that leaves is heard, or not.
 *      any but leaving ── unreachable ─► unreachable        It counts as unheard, and as leaving.
 *      unreachable ── heard ───────────► leaving
 *      leaving, unreachable ── its state, not draining ──► live
 *      any ── it says bye, or a probe finds nobody ──► out of the table
 *
 *   | event              | what it is                                          | who reports it                          |
 *   |--------------------|-----------------------------------------------------|-----------------------------------------|
 *   | heard              | a state, a reply, a pull that meets parked calls;   | worker-table.ts;                        |
 *   |                    | an answer to a probe                                | liveness.ts                             |
 *   | no answer          | none for 500 ms after a probe, nor anything else    | liveness.ts                             |
 *   | draining           | in its state; in a reply                            | worker-table.ts; dispatcher.ts          |
 *   | unreachable        | a call for it finds nobody                          | dispatcher.ts                           |
 *   | bye; finds nobody  | in its state; a probe that finds nobody             | liveness.ts                             |
 *
 * Only a live worker that is not leaving is given calls.
 */

/** Three missed state messages: not live any more. */
export const UNHEARD_MS = 1500;

/** One worker process. Times are monotonic milliseconds. */
export class WorkerEntry {
  readonly id: string;
  /** By function name. */
  readonly endpoints = new Map<string, Endpoint>();
  #heardAt: number;
  #probedAt: number;
  #isLeaving = false;
  #isFrozen = false;
  #isUnreachable = false;

  constructor(id: string, now: number) {
    this.id = id;
    this.#heardAt = now;
    this.#probedAt = now;
  }

  /** When it was last asked whether it lives; at first, when it became known. */
  get probedAt(): number {
    return this.#probedAt;
  }

  /** It did not answer its probe, and was not heard since. */
  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  /** Calls of this gateway that it has not answered. */
  get outstanding(): number {
    let sum = 0;
    for (const { outstanding } of this.endpoints.values()) sum += outstanding;
    return sum;
  }

  /** For how long it was not heard, in milliseconds; infinite when a call could not reach it. */
  silentForMs(now: number): number {
    return this.#isUnreachable ? Number.POSITIVE_INFINITY : now - this.#heardAt;
  }

  /** Whether it was heard since it was last probed. */
  get isHeardSinceProbe(): boolean {
    return this.#heardAt >= this.#probedAt;
  }

  /** Whether it was not heard for 1.5 s, or did not answer when it was probed. */
  isSilent(now: number): boolean {
    return this.#isFrozen || this.silentForMs(now) > UNHEARD_MS;
  }

  /** Whether it may be given calls. */
  isLive(now: number): boolean {
    return !this.#isLeaving && !this.isSilent(now);
  }

  /** It sent something. */
  heard(now: number): void {
    this.#heardAt = now;
    this.#isFrozen = false;
    this.#isUnreachable = false;
  }

  /** It is asked whether it lives. */
  probed(now: number): void {
    this.#probedAt = now;
  }

  /** It has interest but does not answer: it gets nothing until it is heard. */
  frozen(): void {
    this.#isFrozen = true;
  }

  /** It says whether it drains. */
  leaving(isLeaving: boolean): void {
    this.#isLeaving = isLeaving;
  }

  /** A call for it found nobody: it gets no more, and counts as silent unless it is known to be leaving. */
  unreachable(): void {
    if (!this.#isLeaving) this.#isUnreachable = true;
    this.#isLeaving = true;
  }
}

/** Weight of the newest trip: a gateway that becomes busy is followed within some tens of calls. */
const TRIP_GAIN = 1 / 16;

/** One function of one worker. */
export class Endpoint {
  readonly worker: WorkerEntry;
  readonly fn: string;
  readonly group: string;
  /** As seen in the replies to calls of this gateway. */
  readonly runTime = new RunTime();
  #slots: number;
  #running = 0;
  #buffered = 0;
  #serviceMs = 0;
  #tripMs = 0;
  #outstanding = 0;
  /** As last reported, less what was sent since. */
  #reportedFree = 0;

  constructor(worker: WorkerEntry, fn: string, group: string, slots: number) {
    this.worker = worker;
    this.fn = fn;
    this.group = group;
    this.#slots = slots;
  }

  /** Calls that it can run at a time. */
  get slots(): number {
    return this.#slots;
  }

  /** As last reported; 0 before. */
  get running(): number {
    return this.#running;
  }

  /** Calls that wait in the worker, as last reported; 0 before. */
  get buffered(): number {
    return this.#buffered;
  }

  /** Moving average of one call's run time in milliseconds, as last reported; 0 = not known. */
  get serviceMs(): number {
    return this.#serviceMs;
  }

  /**
   * Moving average of what the way to the worker and back takes in milliseconds, the work of both event loops included;
   * 0 = not known.
   */
  get tripMs(): number {
    return this.#tripMs;
  }

  /** Calls of this gateway that it has not answered. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Free slots: what was reported, and not more than this gateway's own unanswered calls leave. */
  get free(): number {
    return Math.max(0, Math.min(this.#reportedFree, this.#slots - this.#outstanding));
  }

  /** A call is sent to it. */
  hold(): void {
    this.#outstanding++;
    this.#reportedFree = Math.max(0, this.#reportedFree - 1);
  }

  /** A call was answered or given up. What is free is not guessed: the worker reports it. */
  release(): void {
    this.#outstanding--;
  }

  /** It did not take a call: whatever it reported before, no slot is free. */
  noSlotFree(): void {
    this.#reportedFree = 0;
  }

  /** Takes what its worker's state message says. */
  report({ slots, free, running, buffered, serviceMs }: Omit<FunctionState, 'group'>): void {
    this.#slots = slots;
    this.#reportedFree = free;
    this.#running = running;
    this.#buffered = buffered;
    this.#serviceMs = serviceMs;
  }

  /** Takes what a reply says that came `elapsedMs` after its call was sent. */
  reportInReply({ free, serviceMs, waitMs, workMs }: WorkerReport, elapsedMs: number): void {
    if (waitMs !== undefined && workMs !== undefined) {
      const tripMs = Math.max(0, elapsedMs - waitMs - workMs);
      this.#tripMs += TRIP_GAIN * (tripMs - this.#tripMs);
    }
    if (free !== undefined) this.#reportedFree = free;
    if (serviceMs !== undefined) this.#serviceMs = serviceMs;
    if (workMs !== undefined) this.runTime.add(workMs);
  }
}
