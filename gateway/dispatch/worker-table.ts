import type { WorkerReport } from '../../protocol/reply.ts';
import type { State } from '../../protocol/state.ts';
import { Endpoint, WorkerEntry } from './worker-entry.ts';

/**
 * The workers that this gateway knows. A worker comes in by its state or by a pull, and stays, silent or not, until it
 * says bye or the broker says that nobody subscribes to its private subject. What is known may be out of date: a
 * worker that has no slot after all answers `busy`, and nothing is lost.
 */

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
    const worker = this.#heardFrom(id, now);
    worker.leaving(state.draining === true);
    for (const [fn, reported] of Object.entries(state.functions)) {
      this.#endpoint(worker, fn, reported.group, reported.slots).report(reported);
    }
  }

  /**
   * Learns from the report in the reply to a call that was sent at `sentAt`; the endpoint it concerns, if that is known. A reply alone makes no worker
   * known: only one that sends its state or pulls has a private subject for certain.
   */
  learnReply(fn: string, report: WorkerReport, now: number, sentAt = now): Endpoint | undefined {
    const worker = report.worker === undefined ? undefined : this.#workers.get(report.worker);
    const endpoint = worker?.endpoints.get(fn);
    if (worker === undefined || endpoint === undefined) return undefined;
    worker.heard(now);
    endpoint.reportInReply(report, now - sentAt);
    return endpoint;
  }

  /** The endpoint of a worker that asks for work. */
  learnPull(id: string, fn: string, group: string, now: number): Endpoint {
    return this.#endpoint(this.#heardFrom(id, now), fn, group, 1);
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

  /** The entry of a worker that sent something; a new one if it was not known. */
  #heardFrom(id: string, now: number): WorkerEntry {
    let worker = this.#workers.get(id);
    if (worker === undefined) {
      worker = new WorkerEntry(id, now);
      this.#workers.set(id, worker);
    }
    worker.heard(now);
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
