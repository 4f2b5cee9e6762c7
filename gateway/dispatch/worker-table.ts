import type { WorkerReport } from '../../protocol/reply.ts';
import type { FunctionState, State } from '../../protocol/state.ts';
import { RunTime } from './run-time.ts';

/**
 * What this gateway knows of the workers: who lives, which slots are free, how fast each is. Only this file changes it.
 *
 * A worker is *heard* by every message it sends. It is *live* while it was heard within the last 1.5 s, is not
 * leaving, and did not stay silent when probed (*frozen*); only live workers are given calls. It stays in the table,
 * silent or not, until the broker says that nobody subscribes to its private subject, or until it says bye.
 * What is known may be out of date: a worker that has no slot after all answers `busy`, and nothing is lost.
 */

/** Three missed state messages: not live any more. */
export const UNHEARD_MS = 1500;

/** One worker process. Times are monotonic milliseconds. */
export class WorkerEntry {
  readonly id: string;
  /** By function name. */
  readonly endpoints = new Map<string, Endpoint>();
  lastSeenAt: number;
  probedAt: number;
  /** Draining, or nobody subscribes to its private subject: it gets nothing more. */
  isLeaving = false;
  /** Silent when probed: it has interest but does not answer. */
  isFrozen = false;

  constructor(id: string, now: number) {
    this.id = id;
    this.lastSeenAt = now;
    this.probedAt = now;
  }

  /** Calls of this gateway that it has not answered. */
  get outstanding(): number {
    let sum = 0;
    for (const { outstanding } of this.endpoints.values()) sum += outstanding;
    return sum;
  }

  /** Whether nothing was heard of it for 1.5 s, or it did not answer when it was probed. */
  isSilent(now: number): boolean {
    return this.isFrozen || now - this.lastSeenAt > UNHEARD_MS;
  }

  /** Whether it may be given calls. */
  isLive(now: number): boolean {
    return !this.isLeaving && !this.isSilent(now);
  }
}

/** One function of one worker. */
export class Endpoint {
  readonly worker: WorkerEntry;
  readonly fn: string;
  readonly group: string;
  /** Calls that it can run at a time. */
  slots: number;
  /** As last reported; 0 before. */
  running = 0;
  /** Calls that wait in the worker, as last reported; 0 before. */
  buffered = 0;
  /** Moving average of one call's run time in milliseconds, as last reported; 0 = not known. */
  serviceMs = 0;
  /** As seen in the replies to calls of this gateway. */
  readonly runTime = new RunTime();
  /** Calls of this gateway that it has not answered. */
  outstanding = 0;
  /** As last reported, less what was sent since. */
  #reportedFree = 0;

  constructor(worker: WorkerEntry, fn: string, group: string, slots: number) {
    this.worker = worker;
    this.fn = fn;
    this.group = group;
    this.slots = slots;
  }

  /** Free slots: what was reported, and not more than this gateway's own unanswered calls leave. */
  get free(): number {
    return Math.max(0, Math.min(this.#reportedFree, this.slots - this.outstanding));
  }

  /** A call is sent to it. */
  hold(): void {
    this.outstanding++;
    this.#reportedFree = Math.max(0, this.#reportedFree - 1);
  }

  /** A call was answered or given up. What is free is not guessed: the worker reports it. */
  release(): void {
    this.outstanding--;
  }

  /** It refused a call: whatever it reported before, no slot is free. */
  refused(): void {
    this.#reportedFree = 0;
  }

  /** Takes what its worker's state message says. */
  report({ slots, free, running, buffered, serviceMs }: Omit<FunctionState, 'group'>): void {
    this.slots = slots;
    this.#reportedFree = free;
    this.running = running;
    this.buffered = buffered;
    this.serviceMs = serviceMs;
  }

  /** Takes what a reply says. */
  reportInReply({ free, serviceMs, workMs }: WorkerReport): void {
    if (free !== undefined) this.#reportedFree = free;
    if (serviceMs !== undefined) this.serviceMs = serviceMs;
    if (workMs !== undefined) this.runTime.add(workMs);
  }
}

const NO_ENDPOINTS: ReadonlySet<Endpoint> = new Set();

/** The workers that this gateway knows, by id, and by function and group. */
export class WorkerTable {
  readonly #workers = new Map<string, WorkerEntry>();
  readonly #byFunction = new Map<string, Map<string, Set<Endpoint>>>();

  /** All workers in the table, silent ones included. */
  workers(): IterableIterator<WorkerEntry> {
    return this.#workers.values();
  }

  /** Whether a worker of the function is in the table. */
  serves(fn: string): boolean {
    return this.#byFunction.has(fn);
  }

  /** Groups of a function that have a worker in the table. */
  groups(fn: string): string[] {
    return [...(this.#byFunction.get(fn)?.keys() ?? [])];
  }

  /** The workers of a function and group, silent ones included. */
  endpoints(fn: string, group: string): ReadonlySet<Endpoint> {
    return this.#byFunction.get(fn)?.get(group) ?? NO_ENDPOINTS;
  }

  /** Free slots of the live workers of a function and group. */
  freeSlots(fn: string, group: string, now: number): number {
    let free = 0;
    for (const endpoint of this.endpoints(fn, group)) if (endpoint.worker.isLive(now)) free += endpoint.free;
    return free;
  }

  /** Takes a worker's state message as the truth about it. */
  learnState(id: string, state: State, now: number): void {
    const worker = this.#heard(id, now);
    worker.isLeaving = state.draining === true;
    for (const [fn, reported] of Object.entries(state.functions)) {
      this.#endpoint(worker, fn, reported.group, reported.slots).report(reported);
    }
  }

  /**
   * Learns from the report in a reply; the endpoint it concerns, if that is known. A reply alone makes no worker
   * known: only one that sends its state or pulls has a private subject for certain.
   */
  learnReply(fn: string, report: WorkerReport, now: number): Endpoint | undefined {
    const worker = report.worker === undefined ? undefined : this.#workers.get(report.worker);
    const endpoint = worker?.endpoints.get(fn);
    if (worker === undefined || endpoint === undefined) return undefined;
    this.answered(worker, now);
    endpoint.reportInReply(report);
    return endpoint;
  }

  /** The endpoint of a worker that asks for work. */
  learnPull(id: string, fn: string, group: string, now: number): Endpoint {
    return this.#endpoint(this.#heard(id, now), fn, group, 1);
  }

  /** The worker was heard. */
  answered(worker: WorkerEntry, now: number): void {
    worker.lastSeenAt = now;
    worker.isFrozen = false;
  }

  /** The worker is asked whether it lives. */
  probed(worker: WorkerEntry, now: number): void {
    worker.probedAt = now;
  }

  /** The worker did not answer its probe: it gets nothing until it is heard again. */
  frozen(worker: WorkerEntry): void {
    worker.isFrozen = true;
  }

  /** The worker says that it drains. */
  leaving(worker: WorkerEntry): void {
    worker.isLeaving = true;
  }

  /** A call for it found nobody: it gets no more, and counts as silent unless it is known to be leaving. */
  unreachable(worker: WorkerEntry): void {
    if (!worker.isLeaving) worker.lastSeenAt = Number.NEGATIVE_INFINITY;
    worker.isLeaving = true;
  }

  /** Removes a worker from the table and returns what it served. */
  forget(id: string): Endpoint[] {
    const worker = this.#workers.get(id);
    if (worker === undefined) return [];
    this.#workers.delete(id);
    const endpoints = [...worker.endpoints.values()];
    for (const endpoint of endpoints) this.#remove(endpoint);
    return endpoints;
  }

  #heard(id: string, now: number): WorkerEntry {
    let worker = this.#workers.get(id);
    if (worker === undefined) {
      worker = new WorkerEntry(id, now);
      this.#workers.set(id, worker);
    }
    this.answered(worker, now);
    return worker;
  }

  #endpoint(worker: WorkerEntry, fn: string, group: string, slots: number): Endpoint {
    const known = worker.endpoints.get(fn);
    if (known !== undefined && known.group === group) return known;
    if (known !== undefined) this.#remove(known);
    const endpoint = new Endpoint(worker, fn, group, slots);
    worker.endpoints.set(fn, endpoint);
    const groups = this.#byFunction.get(fn) ?? new Map<string, Set<Endpoint>>();
    this.#byFunction.set(fn, groups);
    const endpoints = groups.get(group) ?? new Set<Endpoint>();
    groups.set(group, endpoints.add(endpoint));
    return endpoint;
  }

  #remove(endpoint: Endpoint): void {
    const groups = this.#byFunction.get(endpoint.fn);
    const endpoints = groups?.get(endpoint.group);
    endpoints?.delete(endpoint);
    if (endpoints?.size === 0) groups?.delete(endpoint.group);
    if (groups?.size === 0) this.#byFunction.delete(endpoint.fn);
  }
}
